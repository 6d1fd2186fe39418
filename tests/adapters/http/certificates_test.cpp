#include "adapters/http/certificates.h"

#include <sys/stat.h>

#include "adapters/http/address.h"
#include "adapters/http/files.h"
#include "tests/adapters/http/support.h"
#include "tests/support/catch.h"

namespace omrsync::http::test {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

TEST_CASE("an authority survives in its folder and is never replaced") {
  const TempFolder folder;
  const auto made = CertificateAuthority::create(folder.path(), "hq", valid_from(now()));
  REQUIRE(made);
  CHECK(mode_of(folder.path() / "ca.key") == 0600);
  const auto opened = CertificateAuthority::open(folder.path());
  REQUIRE(opened);
  CHECK(opened->certificate_pem() == made->certificate_pem());

  const auto again = CertificateAuthority::create(folder.path(), "hq", valid_from(now()));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Code::config_invalid);
  CHECK(read_file(folder.path() / "ca.crt").value() == made->certificate_pem());
}

TEST_CASE("an authority whose key others may read is refused") {
  const TempFolder folder;
  REQUIRE(CertificateAuthority::create(folder.path(), "hq", valid_from(now())));
  std::filesystem::permissions(folder.path() / "ca.key", std::filesystem::perms(0640));
  const auto opened = CertificateAuthority::open(folder.path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::secret_readable);
}

TEST_CASE("a key beside the certificate of another authority is refused") {
  const TempFolder one;
  const TempFolder other;
  REQUIRE(CertificateAuthority::create(one.path(), "one", valid_from(now())));
  REQUIRE(CertificateAuthority::create(other.path(), "other", valid_from(now())));
  std::filesystem::copy_file(other.path() / "ca.crt", one.path() / "ca.crt",
                             std::filesystem::copy_options::overwrite_existing);
  const auto opened = CertificateAuthority::open(one.path());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Code::file_unreadable);
}

TEST_CASE("a torn certificate file is an error, not a crash") {
  const TempFolder folder;
  REQUIRE(CertificateAuthority::create(folder.path(), "hq", valid_from(now())));
  const std::string whole = read_file(folder.path() / "ca.crt").value();
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, whole.size() / 2}) {
    REQUIRE(write_public_file(folder.path() / "ca.crt", whole.substr(0, size)));
    CHECK_FALSE(CertificateAuthority::open(folder.path()));
  }
}

TEST_CASE("a client's certificate names its node in lower case and lasts a year") {
  const Pki pki;
  const auto start = now();
  const auto pair = pki.authority().issue_client("0B7F6A52-5C1E-4F7A-9D3B-0A1B2C3D4E5F", valid_from(start));
  REQUIRE(pair);
  CHECK(certificate_node(pair->certificate_pem).value() == kKitale);
  CHECK(certificate_expiry(pair->certificate_pem).value() == start + std::chrono::days(365));
  CHECK(certificate_start(pair->certificate_pem).value() == start - std::chrono::days(1));
  CHECK(fingerprint(pair->certificate_pem).value().size() == 64);

  const auto other = pki.authority().issue_client(kKitale, valid_from(start));
  REQUIRE(other);
  CHECK(other->key_pem != pair->key_pem);
  CHECK(fingerprint(other->certificate_pem).value() != fingerprint(pair->certificate_pem).value());
}

TEST_CASE("only a uuid can be a node's identity") {
  const Pki pki;
  for (const char* name : {"", "kitale", "0b7f6a52-5c1e-4f7a-9d3b-0a1b2c3d4e5", "0b7f6a5205c1e-4f7a-9d3b-0a1b2c3d4e5f",
                           "0b7f6a52-5c1e-4f7a-9d3b-0a1b2c3d4e5g", "0b7f6a52-5c1e-4f7a-9d3b-0a1b2c3d4e5f,DNS:hq"})
    CHECK_FALSE(pki.authority().issue_client(name, valid_from(now())));
}

TEST_CASE("a listener's certificate names no node") {
  Pki pki;
  const auto node = certificate_node(pki.server().certificate_pem);
  REQUIRE_FALSE(node);
  CHECK(node.error().code == Code::tls_identity_mismatch);
}

TEST_CASE("secret files are private from the start and replaced as a whole") {
  const TempFolder folder;
  const auto file = folder.path() / "secret";
  REQUIRE(write_secret_file(file, "one"));
  CHECK(mode_of(file) == 0600);
  REQUIRE(write_secret_file(file, "two"));
  CHECK(read_secret_file(file).value() == "two");
  CHECK_FALSE(write_secret_file(folder.path() / "absent" / "secret", "three"));
}

TEST_CASE("addresses and URLs are read strictly") {
  CHECK(parse_address("0.0.0.0:8443").value().port == 8443);
  CHECK(parse_address("[::1]:0").value().host == "::1");
  for (const char* wrong :
       {"", ":1", "localhost", "localhost:", "localhost:70000", "localhost:1x", "[::1:8443", "a b:1"})
    CHECK_FALSE(parse_address(wrong));
  CHECK(parse_https_url("https://hq.example.org").value().port == 443);
  CHECK(parse_https_url("https://hq.example.org:8443/").value().host == "hq.example.org");
  CHECK(parse_https_url("https://[2001:db8::1]:8443").value().host == "2001:db8::1");
  for (const char* wrong : {"http://hq", "https://", "https://u@hq", "https://hq/path", "https://hq?x", "hq:8443"})
    CHECK_FALSE(parse_https_url(wrong));
}

}  // namespace
}  // namespace omrsync::http::test
