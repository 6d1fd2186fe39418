#include "adapters/http/signing.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "adapters/http/openssl.h"

namespace omrsync::http {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

Result<CertificatePtr> read_certificate(std::string_view pem) {
  const BioPtr bio = reader(pem);
  CertificatePtr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  if (!certificate) return Error{Remedy::set_aside, Code::usb_altered, "The sender's certificate is torn."};
  return certificate;
}

}  // namespace

Result<std::string> sign(std::string_view key_pem, std::string_view bytes) {
  const BioPtr bio = reader(key_pem);
  const auto no_password = [](char*, int, int, void*) { return 0; };
  const KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr);
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  std::string signature;
  bool done = key && context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, raw(bytes), bytes.size()) == 1;
  if (done) {
    signature.resize(size);
    done = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, raw(bytes),
                          bytes.size()) == 1;
  }
  ERR_clear_error();
  if (!done) return Error{Remedy::stop_node, Code::file_unreadable, "The node's key cannot sign."};
  signature.resize(size);
  return signature;
}

Status check_signature(std::string_view certificate_pem, std::string_view bytes, std::string_view signature) {
  OMRSYNC_TRY(certificate, read_certificate(certificate_pem));
  EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  const DigestContext context(EVP_MD_CTX_new());
  const bool good = key != nullptr && context &&
                    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(bytes), bytes.size()) == 1;
  ERR_clear_error();
  if (!good) return Error{Remedy::set_aside, Code::usb_altered, "The manifest is not what its sender signed."};
  return Done{};
}

Result<Signer> check_signature(std::string_view authority_pem, std::string_view certificate_pem, std::string_view bytes,
                               std::string_view signature) {
  OMRSYNC_TRY(authority, read_certificate(authority_pem));
  OMRSYNC_TRY(certificate, read_certificate(certificate_pem));
  EVP_PKEY* made_by = X509_get0_pubkey(authority.get());
  const bool trusted = made_by != nullptr && X509_verify(certificate.get(), made_by) == 1;
  ERR_clear_error();
  if (!trusted)
    return Error{Remedy::set_aside, Code::usb_sender_refused, "The sender's certificate is of another network."};
  OMRSYNC_CHECK(check_signature(certificate_pem, bytes, signature));
  const std::uint32_t usage = X509_get_extended_key_usage(certificate.get());
  Signer signer;
  if ((usage & XKU_SSL_CLIENT) != 0) signer.node = node_of(*certificate);
  signer.parent = (usage & XKU_SSL_SERVER) != 0 && (usage & XKU_SSL_CLIENT) == 0;
  return signer;
}

}  // namespace omrsync::http
