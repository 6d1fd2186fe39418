// A certificate for a key that never leaves its node, and texts that only that node can read.
#include "adapters/http/signing_request.h"

#include "tests/adapters/http/support.h"
#include "tests/support/catch.h"

namespace omrsync::http::test {
namespace {

struct Asking {
  std::string key = make_key().value();
  std::string request = signing_request(key, "kitale").value();
};

std::string altered(std::string pem) {
  const std::size_t at = pem.find('\n') + 120;
  pem[at] = pem[at] == 'A' ? 'B' : 'A';
  return pem;
}

TEST_CASE("a request gets a certificate for its key and the node that the parent says") {
  const Pki pki;
  const Asking asking;
  const auto pem = pki.authority().sign_client(asking.request, kKitale, valid_from(now()));
  REQUIRE(pem);
  CHECK(certificate_node(*pem).value() == kKitale);
  CHECK(check_issued(*pem, asking.key, pki.authority().certificate_pem()));
  CHECK(check_issued(*pem, Asking().key, pki.authority().certificate_pem()).error().code ==
        Code::enrol_request_unsound);
  CHECK(check_issued(*pem, asking.key, Pki().authority().certificate_pem()).error().code ==
        Code::enrol_request_unsound);
}

TEST_CASE("a request that was altered on the way gets nothing") {
  const Pki pki;
  const Asking asking;
  for (const std::string& request : {altered(asking.request), asking.key, std::string("nonsense"), std::string()}) {
    CHECK(request_key(request).error().code == Code::enrol_request_unsound);
    CHECK_FALSE(pki.authority().sign_client(request, kKitale, valid_from(now())));
  }
  CHECK(request_key(asking.request).value() == request_key(signing_request(asking.key, "other").value()).value());
  CHECK(request_key(asking.request).value() != request_key(Asking().request).value());
}

TEST_CASE("what is sealed for a node only that node can open, and unaltered") {
  const Pki pki;
  const Asking kitale, other;
  const std::string pem = pki.authority().sign_client(kitale.request, kKitale, valid_from(now())).value();
  const std::string others = pki.authority().sign_client(other.request, kKisumu, valid_from(now())).value();
  const auto sealed = seal_for(pem, "a network's key");
  REQUIRE(sealed);
  CHECK(sealed->find("network") == std::string::npos);
  CHECK(open_sealed(kitale.key, pem, *sealed).value() == "a network's key");
  CHECK(open_sealed(other.key, others, *sealed).error().code == Code::enrol_request_unsound);
  CHECK_FALSE(open_sealed(kitale.key, pem, altered(*sealed)));
  CHECK_FALSE(open_sealed(kitale.key, pem, "nonsense"));
}

}  // namespace
}  // namespace omrsync::http::test
