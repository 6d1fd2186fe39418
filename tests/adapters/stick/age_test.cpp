#include "adapters/stick/age.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/stick/bech32.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace omrsync;
using namespace omrsync::stick;
namespace fs = std::filesystem;

namespace {

/// Bytes that differ from place to place.
std::string some_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24U);
  return bytes;
}

std::string sealed(const std::vector<std::string>& recipients, std::string_view bytes, std::size_t piece = 10'000) {
  std::string file;
  auto writer = AgeWriter::begin(recipients, [&](std::string_view more) {
    file += more;
    return Status{Done{}};
  });
  REQUIRE(writer);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    REQUIRE(writer->write(bytes.substr(0, piece)));
  REQUIRE(writer->finish());
  return file;
}

Result<std::string> opened(const AgeKey& key, std::string_view file) {
  OMRSYNC_TRY(reader, AgeReader::open(key, [&](std::size_t most) {
                std::string bytes(file.substr(0, most));
                file.remove_prefix(bytes.size());
                return Result<std::string>(std::move(bytes));
              }));
  std::string all;
  for (;;) {
    OMRSYNC_TRY(chunk, reader.next());
    if (chunk.empty()) return all;
    all += chunk;
  }
}

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Runs the public tool in the folder.
bool age(const test::TemporaryFolder& folder, const std::string& arguments) {
  return std::system(("cd " + folder.path().string() + " && age " + arguments + " 2>/dev/null").c_str()) == 0;
}

}  // namespace

TEST_CASE("Bech32 is that of the public test vectors") {
  // BIP 173, and a key pair of the age tool's own documentation.
  CHECK(to_bech32("a", "") == "a12uel5l");
  CHECK(from_bech32("a", "A12UEL5L") == std::string());
  CHECK_FALSE(from_bech32("a", "a12uel5m"));
  CHECK_FALSE(from_bech32("a", "A12uEL5L"));
  const auto point = from_bech32("age", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
  REQUIRE(point);
  CHECK(point->size() == 32);
  CHECK(to_bech32("age", *point) == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
}

TEST_CASE("a secret names its recipient") {
  const auto key = read_age_key(
      "# created: "
      "2021-01-02T15:30:45+01:00\nAGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n");
  REQUIRE(key);
  CHECK(key->recipient == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
  CHECK_FALSE(read_age_key("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEY"));
  CHECK_FALSE(is_recipient("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujw"));
}

TEST_CASE("what is sealed opens, at every size around a chunk") {
  const auto key = new_age_key();
  REQUIRE(key);
  for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 131'072, 300'000}) {
    const std::string bytes = some_bytes(size);
    const auto plain = opened(*key, sealed({key->recipient}, bytes));
    REQUIRE(plain);
    CHECK(*plain == bytes);
  }
}

TEST_CASE("one of several recipients opens it, another one does not") {
  const auto one = new_age_key(), other = new_age_key(), stranger = new_age_key();
  const std::string file = sealed({one->recipient, other->recipient}, "hello");
  CHECK(opened(*one, file).value() == "hello");
  CHECK(opened(*other, file).value() == "hello");
  const auto refused = opened(*stranger, file);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::usb_not_for_us);
}

TEST_CASE("no bit can be turned and no byte cut unnoticed") {
  const auto key = new_age_key();
  const std::string file = sealed({key->recipient}, some_bytes(70'000));
  for (std::size_t at = 0; at < file.size(); at += at < 400 ? 1 : 1'777) {
    std::string bad = file;
    bad[at] = static_cast<char>(bad[at] ^ 1 << at % 8);
    CHECK_FALSE(opened(*key, bad));
    CHECK_FALSE(opened(*key, std::string_view(file).substr(0, at)));
  }
  CHECK_FALSE(opened(*key, file + "x"));
}

TEST_CASE("whole chunks cannot be dropped, swapped or taken for the end") {
  const auto key = new_age_key();
  const std::string file = sealed({key->recipient}, some_bytes(3 * 65'536));
  constexpr std::size_t kSealed = 65'536 + 16;
  const std::size_t begin = file.size() - 3 * kSealed;
  const std::string head = file.substr(0, begin), first = file.substr(begin, kSealed),
                    second = file.substr(begin + kSealed, kSealed), third = file.substr(begin + 2 * kSealed);
  REQUIRE(opened(*key, head + first + second + third));
  CHECK_FALSE(opened(*key, head + first + second));
  CHECK_FALSE(opened(*key, head + second + first + third));
  CHECK_FALSE(opened(*key, head + first + third));
}

TEST_CASE("the public tool opens what is sealed here") {
  const test::TemporaryFolder folder;
  const auto key = new_age_key();
  std::ofstream(folder.path() / "key") << key->secret << "\n";
  for (const std::size_t size : {0, 5, 65'536, 200'000}) {
    const std::string bytes = some_bytes(size);
    std::ofstream(folder.path() / "file.age", std::ios::binary) << sealed({key->recipient}, bytes);
    REQUIRE(age(folder, "--decrypt -i key -o plain file.age"));
    CHECK(file_text(folder.path() / "plain") == bytes);
  }
}

TEST_CASE("what the public tool seals opens here") {
  const test::TemporaryFolder folder;
  const auto key = new_age_key(), other = new_age_key();
  for (const std::size_t size : {0, 5, 65'536, 200'000}) {
    const std::string bytes = some_bytes(size);
    std::ofstream(folder.path() / "plain", std::ios::binary) << bytes;
    REQUIRE(age(folder, "-r " + other->recipient + " -r " + key->recipient + " -o file.age plain"));
    const auto plain = opened(*key, file_text(folder.path() / "file.age"));
    REQUIRE(plain);
    CHECK(*plain == bytes);
  }
}
