#pragma once
// Owners of OpenSSL's objects and the few questions that both certificates.cpp and the listener ask. Private to this
// folder.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::http {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using NamePtr = std::unique_ptr<GENERAL_NAME, Freed<GENERAL_NAME_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

/// What OpenSSL refused: names of its own routines only, no input of ours.
[[nodiscard]] Error openssl_failed(const char* what);

[[nodiscard]] BioPtr reader(std::string_view text);
[[nodiscard]] std::string text_of(BIO* bio);
[[nodiscard]] Result<CertificatePtr> parse_certificate(std::string_view pem);
[[nodiscard]] Result<KeyPtr> parse_key(std::string_view pem);
[[nodiscard]] Result<std::string> to_pem(const X509& certificate);
[[nodiscard]] Result<std::string> to_pem(const EVP_PKEY& key);
/// ECDSA P-256.
[[nodiscard]] Result<KeyPtr> new_key();
/// `enrol_request_unsound` unless it is signed by its own key, of the kind that `new_key` makes.
[[nodiscard]] Result<KeyPtr> key_of_request(std::string_view request_pem);

/// The uuid of the only SAN of the form URI:urn:uuid:<node>, lower case; nothing if there is none or more than one.
[[nodiscard]] std::optional<std::string> node_of(const X509& certificate);

/// SHA-256 of the DER form in lower-case hex; empty if OpenSSL fails.
[[nodiscard]] std::string fingerprint_of(const X509& certificate);

}  // namespace omrsync::http
