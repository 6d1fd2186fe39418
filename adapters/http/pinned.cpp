#include "adapters/http/pinned.h"

#include <openssl/ssl.h>

#include <array>
#include <string_view>

#include "adapters/http/openssl.h"

namespace omrsync::http {
namespace {

bool has_pin(const X509& certificate, std::string_view pin) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return false;
  return std::string_view(reinterpret_cast<const char*>(digest.data()), size).starts_with(pin);
}

int verify(X509_STORE_CTX* store, void* pin) {
  STACK_OF(X509)* shown = X509_STORE_CTX_get0_untrusted(store);
  STACK_OF(X509)* trusted = sk_X509_new_null();
  for (int i = 0; trusted != nullptr && i < sk_X509_num(shown); ++i) {
    X509* certificate = sk_X509_value(shown, i);
    if (has_pin(*certificate, *static_cast<const std::string*>(pin))) sk_X509_push(trusted, certificate);
  }
  const bool known = trusted != nullptr && sk_X509_num(trusted) > 0;
  int sound = 0;
  if (known) {
    X509_STORE_CTX_set0_trusted_stack(store, trusted);
    sound = X509_verify_cert(store);
  } else {
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  }
  sk_X509_free(trusted);
  return sound > 0 ? 1 : 0;
}

}  // namespace

void trust_pinned(ssl_ctx_st* context, const std::string& pin) {
  SSL_CTX_set_cert_verify_callback(context, &verify, const_cast<std::string*>(&pin));
}

}  // namespace omrsync::http
