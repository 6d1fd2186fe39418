#include "adapters/stick/package.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/http/certificates.h"
#include "adapters/http/signing.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace omrsync;
using namespace omrsync::stick;
namespace fs = std::filesystem;

namespace {

const Progress kQuiet = [](std::uint64_t) {};

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A package of two volumes, "one", "two" in the first and "three" in the second.
struct Written {
  test::TemporaryFolder stick;
  AgeKey key = new_age_key().value();
  Package package;

  Written() {
    Manifest& manifest = package.manifest;
    manifest.package = "7a3f8c1e-2b4d-4c6f-8e9a-0d1c2b3a4f5e";
    manifest.sender = {*parse_uuid("0b7f6a52-5c1e-4f7a-9d3b-0a1b2c3d4e5f"), "Kitale East / Ward 7"};
    manifest.recipient = {*parse_uuid("9c2d1e30-77aa-4b6c-8e5f-f0e1d2c3b4a5"), "hq"};
    manifest.recipient_key = key.recipient;
    manifest.epoch = 3;
    manifest.first = 8;
    manifest.last = 12;
    manifest.created_ms = 1'779'000'000'000;
    const fs::path partial = partial_folder(stick.path(), manifest);
    REQUIRE(begin_package(partial, false));
    volume(partial, {"one", "two"}, 8, 10);
    volume(partial, {std::string(200'000, 'x')}, 11, 12);
    package.manifest_text = to_pretty_string(to_json(manifest));
    package.signature = "signed";
    package.certificate = "certificate";
    const auto folder = finish_package(partial, package);
    REQUIRE(folder);
    package.folder = *folder;
  }

  void volume(const fs::path& folder, const std::vector<std::string>& items, std::uint64_t first, std::uint64_t last) {
    auto writer = VolumeWriter::create(folder / volume_name(package.manifest.volumes.size() + 1), key.recipient);
    REQUIRE(writer);
    for (const std::string& item : items) REQUIRE((*writer)->add(item, first, last));
    auto entry = (*writer)->finish();
    REQUIRE(entry);
    package.manifest.volumes.push_back(*entry);
  }

  [[nodiscard]] fs::path file(std::size_t number) const { return package.folder / volume_name(number); }
};

std::vector<std::string> items_of(const fs::path& path, const AgeKey& key) {
  std::vector<std::string> items;
  REQUIRE(read_volume(path, key, kQuiet, [&](std::string_view item) {
    items.emplace_back(item);
    return Status{Done{}};
  }));
  return items;
}

}  // namespace

TEST_CASE("a package is read as it was written") {
  const Written written;
  CHECK(written.package.folder.filename() == "omrs-sync-kitale-east-hq-e3-8-12");
  const auto found = find_packages(written.stick.path());
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  const auto package = read_package(found->front());
  REQUIRE(package);
  CHECK(package->manifest_text == written.package.manifest_text);
  CHECK(package->signature == "signed");
  CHECK(package->manifest.sender.name == "Kitale East / Ward 7");
  CHECK(package->manifest.created_ms == 1'779'000'000'000);
  CHECK(package->manifest.volumes.size() == 2);
  CHECK(package->manifest.volumes[1].first == 11);
  CHECK(check_volumes(*package, kQuiet));
  CHECK(items_of(written.file(1), written.key) == std::vector<std::string>{"one", "two"});
  CHECK(items_of(written.file(2), written.key) == std::vector<std::string>{std::string(200'000, 'x')});
}

TEST_CASE("a volume that was altered, cut, lengthened, swapped or lost is refused by name") {
  Written written;
  const auto code = [&] {
    const Status checked = check_volumes(written.package, kQuiet);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.find("vol-000") != std::string::npos);
    return checked.error().code;
  };
  const std::string one = file_text(written.file(1)), two = file_text(written.file(2));
  const auto put = [&](std::size_t number, const std::string& bytes) {
    std::ofstream(written.file(number), std::ios::binary | std::ios::trunc) << bytes;
  };
  for (const std::size_t at : {std::size_t{0}, one.size() / 2, one.size() - 1}) {
    std::string bad = one;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    put(1, bad);
    CHECK(code() == Code::usb_volume_damaged);
    put(1, one.substr(0, at));
    CHECK(code() == Code::usb_volume_damaged);
  }
  put(1, one + "x");
  CHECK(code() == Code::usb_volume_damaged);
  put(1, two);
  put(2, one);
  CHECK(code() == Code::usb_volume_damaged);
  put(1, one);
  fs::remove(written.file(2));
  CHECK(code() == Code::usb_volume_missing);
  fs::create_symlink(written.file(1), written.file(2));
  CHECK(code() == Code::usb_volume_missing);  // links are not followed
}

TEST_CASE("an export that was cut is no package, at whichever file") {
  for (const char* last : {"manifest.sig", "manifest.json"}) {
    const Written written;
    fs::remove(written.package.folder / last);
    const auto package = read_package(written.package.folder);
    REQUIRE_FALSE(package);
    CHECK(package.error().code == Code::usb_incomplete);
  }
  const Written written;
  fs::rename(written.package.folder, written.package.folder.string() + ".partial");
  CHECK(find_packages(written.stick.path()).error().code == Code::usb_incomplete);
  fs::remove_all(written.package.folder.string() + ".partial");
  CHECK(find_packages(written.stick.path()).error().code == Code::usb_nothing);
}

TEST_CASE("removing a package leaves what is not ours") {
  const Written written;
  std::ofstream(written.package.folder / "holiday.jpg") << "not ours";
  remove_package(written.package.folder);
  CHECK(fs::exists(written.package.folder / "holiday.jpg"));
  CHECK_FALSE(fs::exists(written.package.folder / "vol-0001.age"));
  CHECK(find_packages(written.stick.path()).error().code == Code::usb_nothing);
}

TEST_CASE("a manifest that is none, or a newer one, is refused") {
  const Written written;
  CHECK(manifest_from("{}").error().code == Code::usb_altered);
  CHECK(manifest_from("not json").error().code == Code::usb_altered);
  CHECK(manifest_from(R"({"schema":"omrsync/package/2"})").error().code == Code::usb_version_unknown);
  std::string text = written.package.manifest_text;
  text.replace(text.find("vol-0001.age"), 12, "../../passwd");
  CHECK(manifest_from(text).error().code == Code::usb_altered);
}

TEST_CASE("a signature is somebody's of the authority, and over these bytes") {
  const test::TemporaryFolder ours, others;
  const http::Validity now{std::chrono::sys_seconds(std::chrono::seconds(1'779'000'000)), std::chrono::days(365)};
  const auto authority = http::CertificateAuthority::create(ours.path(), "hq", now).value();
  const auto foreign = http::CertificateAuthority::create(others.path(), "elsewhere", now).value();
  const std::string node = "0b7f6a52-5c1e-4f7a-9d3b-0a1b2c3d4e5f";
  const auto child = authority.issue_client(node, now).value();
  const auto server = authority.issue_server({"hq"}, now).value();
  const std::string text = "what is signed", signature = http::sign(child.key_pem, text).value();
  const auto signer = http::check_signature(authority.certificate_pem(), child.certificate_pem, text, signature);
  REQUIRE(signer);
  CHECK(signer->node == node);
  CHECK_FALSE(signer->parent);
  const auto parent = http::check_signature(authority.certificate_pem(), server.certificate_pem, text,
                                            http::sign(server.key_pem, text).value());
  REQUIRE(parent);
  CHECK(parent->parent);
  CHECK_FALSE(parent->node);
  CHECK(http::check_signature(foreign.certificate_pem(), child.certificate_pem, text, signature).error().code ==
        Code::usb_sender_refused);
  CHECK(http::check_signature(authority.certificate_pem(), child.certificate_pem, "another text", signature)
            .error()
            .code == Code::usb_altered);
  CHECK(http::check_signature(authority.certificate_pem(), server.certificate_pem, text, signature).error().code ==
        Code::usb_altered);
}
