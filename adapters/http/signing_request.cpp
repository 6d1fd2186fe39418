#include "adapters/http/signing_request.h"

// clang-format off
#include <openssl/pem.h>  // before cms.h, which else declares less
#include <openssl/cms.h>
// clang-format on
#include <openssl/ec.h>
#include <openssl/err.h>

#include "adapters/http/openssl.h"
#include "protocol/digest.h"

namespace omrsync::http {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using CmsPtr = std::unique_ptr<CMS_ContentInfo, Freed<CMS_ContentInfo_free>>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};

Error unsound(const char* message) {
  ERR_clear_error();
  return Error{Remedy::set_aside, Code::enrol_request_unsound, message};
}

bool is_p256(const EVP_PKEY& key) {
  char group[32] = {};
  return EVP_PKEY_get_base_id(&key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(&key, group, sizeof group, nullptr) == 1 && std::string_view(group) == "prime256v1";
}

}  // namespace

Result<KeyPtr> key_of_request(std::string_view request_pem) {
  const BioPtr bio = reader(request_pem);
  const RequestPtr request(bio ? PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!request) return unsound("This is not a signing request in PEM form.");
  KeyPtr key(X509_REQ_get_pubkey(request.get()));
  if (!key || !is_p256(*key)) return unsound("The request is for a key of another kind than nodes have.");
  if (X509_REQ_verify(request.get(), key.get()) != 1) return unsound("The request is not signed by its own key.");
  return key;
}

Result<std::string> make_key() {
  OMRSYNC_TRY(key, new_key());
  return to_pem(*key);
}

Result<std::string> signing_request(std::string_view key_pem, std::string_view common_name) {
  OMRSYNC_TRY(key, parse_key(key_pem));
  const RequestPtr request(X509_REQ_new());
  const std::string name = std::string(common_name.substr(0, 64));
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1,
                                 0) != 1 ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 || X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
    return openssl_failed("make a signing request");
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) return openssl_failed("write a signing request");
  return text_of(bio.get());
}

Result<std::string> request_key(std::string_view request_pem) {
  OMRSYNC_TRY(key, key_of_request(request_pem));
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key.get(), &bytes);
  if (size <= 0) return openssl_failed("write a public key");
  const std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return to_hex(sha256(der));
}

Status check_issued(std::string_view certificate_pem, std::string_view key_pem, std::string_view authority_pem) {
  OMRSYNC_TRY(certificate, parse_certificate(certificate_pem));
  OMRSYNC_TRY(key, parse_key(key_pem));
  OMRSYNC_TRY(authority, parse_certificate(authority_pem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return unsound("The certificate is for another key than the one that was made here.");
  if (X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) != 1)
    return unsound("The certificate is not signed by the authority that comes with it.");
  return Done{};
}

Result<std::string> seal_for(std::string_view certificate_pem, std::string_view text) {
  OMRSYNC_TRY(certificate, parse_certificate(certificate_pem));
  const std::unique_ptr<STACK_OF(X509), FreeStack> recipients(sk_X509_new_null());
  const BioPtr in = reader(text);
  if (!recipients || !in || sk_X509_push(recipients.get(), certificate.get()) == 0)
    return openssl_failed("seal a text");
  const CmsPtr sealed(CMS_encrypt(recipients.get(), in.get(), EVP_aes_256_gcm(), CMS_BINARY));
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!sealed || !out || PEM_write_bio_CMS(out.get(), sealed.get()) != 1) return openssl_failed("seal a text");
  return text_of(out.get());
}

Result<std::string> open_sealed(std::string_view key_pem, std::string_view certificate_pem, std::string_view sealed) {
  OMRSYNC_TRY(key, parse_key(key_pem));
  OMRSYNC_TRY(certificate, parse_certificate(certificate_pem));
  const BioPtr in = reader(sealed);
  const CmsPtr message(in ? PEM_read_bio_CMS(in.get(), nullptr, nullptr, nullptr) : nullptr);
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!message || !out || CMS_decrypt(message.get(), key.get(), certificate.get(), nullptr, out.get(), CMS_BINARY) != 1)
    return unsound("What was sealed for this node cannot be opened with its key.");
  return text_of(out.get());
}

}  // namespace omrsync::http
