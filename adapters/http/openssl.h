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

/// The uuid of the only SAN of the form URI:urn:uuid:<node>, lower case; nothing if there is none or more than one.
[[nodiscard]] std::optional<std::string> node_of(const X509& certificate);

/// SHA-256 of the DER form in lower-case hex; empty if OpenSSL fails.
[[nodiscard]] std::string fingerprint_of(const X509& certificate);

}  // namespace omrsync::http
