#include "adapters/http/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

namespace omrsync::http {

/// What OpenSSL refused: names of its own routines only, no input of ours.
Error openssl_failed(const char* what) {
  std::array<char, 160> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Error{Remedy::stop_node, Code::defect, std::string("OpenSSL could not ") + what + ": " + text.data() + "."};
}

BioPtr reader(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string{};
}

Result<CertificatePtr> parse_certificate(std::string_view pem) {
  const BioPtr bio = reader(pem);
  CertificatePtr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  ERR_clear_error();
  if (!certificate) return Error{Remedy::stop_node, Code::file_unreadable, "This is not a certificate in PEM form."};
  return certificate;
}

Result<KeyPtr> parse_key(std::string_view pem) {
  const BioPtr bio = reader(pem);
  // A password callback that gives none: an encrypted key must not make OpenSSL ask on the terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr);
  ERR_clear_error();
  if (!key) return Error{Remedy::stop_node, Code::file_unreadable, "This is not a private key in PEM form."};
  return key;
}

Result<std::string> to_pem(const X509& certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), const_cast<X509*>(&certificate)) != 1)
    return openssl_failed("write a certificate");
  return text_of(bio.get());
}

Result<std::string> to_pem(const EVP_PKEY& key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_failed("write a key");
  return text_of(bio.get());
}

Result<KeyPtr> new_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed("make a key");
  return key;
}

}  // namespace omrsync::http
