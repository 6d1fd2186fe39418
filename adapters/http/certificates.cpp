#include "adapters/http/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <system_error>

#include "adapters/http/files.h"
#include "adapters/http/openssl.h"

namespace omrsync::http {
namespace {

constexpr const char* kKeyFile = "ca.key";
constexpr const char* kCertificateFile = "ca.crt";
constexpr std::chrono::hours kBackdated{24};
constexpr std::string_view kNodeUri = "urn:uuid:";

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

bool set_serial(X509& certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and always of the same length
  const std::unique_ptr<BIGNUM, Freed<BN_free>> number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_validity(X509& certificate, const Validity& validity) {
  const auto from = validity.from - kBackdated;
  const auto until = validity.from + validity.length;
  return ASN1_TIME_set(X509_getm_notBefore(&certificate), from.time_since_epoch().count()) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(&certificate), until.time_since_epoch().count()) != nullptr;
}

bool add_extension(X509& certificate, X509& issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

/// Everything but the extensions and the signature.
Result<CertificatePtr> blank_certificate(const std::string& common_name, EVP_PKEY& key, const Validity& validity) {
  CertificatePtr certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(*certificate) ||
      !set_validity(*certificate, validity) || X509_set_pubkey(certificate.get(), &key) != 1)
    return openssl_failed("fill in a certificate");
  const std::string shown = common_name.substr(0, 64);  // the longest that X.520 allows
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(shown.data()),
                                 static_cast<int>(shown.size()), -1, 0) != 1)
    return openssl_failed("name a certificate");
  return certificate;
}

NamePtr ia5_name(int type, const std::string& text) {
  NamePtr name(GENERAL_NAME_new());
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  if (!name || !value || ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
    ASN1_IA5STRING_free(value);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), type, value);
  return name;
}

NamePtr host_name(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ERR_clear_error();
  if (!address) return ia5_name(GEN_DNS, host);
  NamePtr name(GENERAL_NAME_new());
  if (!name) {
    ASN1_OCTET_STRING_free(address);
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address);
  return name;
}

bool add_alternative_names(X509& certificate, std::vector<NamePtr> alternatives) {
  const NamesPtr names(GENERAL_NAMES_new());
  if (!names) return false;
  for (NamePtr& name : alternatives) {
    if (!name || sk_GENERAL_NAME_push(names.get(), name.get()) == 0) return false;
    static_cast<void>(name.release());
  }
  return X509_add1_ext_i2d(&certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

struct Leaf {
  KeyPtr key;  ///< its public half is enough
  std::string common_name;
  const char* usage;  ///< extended key usage in OpenSSL's words
  std::vector<NamePtr> alternatives;
};

Result<std::string> issue(std::string_view ca_key_pem, std::string_view ca_pem, Leaf leaf, Validity validity) {
  OMRSYNC_TRY(ca_key, parse_key(ca_key_pem));
  OMRSYNC_TRY(ca, parse_certificate(ca_pem));
  OMRSYNC_TRY(certificate, blank_certificate(leaf.common_name, *leaf.key, validity));
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get())) != 1 ||
      !add_extension(*certificate, *ca, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(*certificate, *ca, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(*certificate, *ca, NID_ext_key_usage, leaf.usage) ||
      !add_extension(*certificate, *ca, NID_subject_key_identifier, "hash") ||
      !add_extension(*certificate, *ca, NID_authority_key_identifier, "keyid:always") ||
      !add_alternative_names(*certificate, std::move(leaf.alternatives)) ||
      X509_sign(certificate.get(), ca_key.get(), EVP_sha256()) == 0)
    return openssl_failed("sign a certificate");
  return to_pem(*certificate);
}

/// With a key of its own.
Result<KeyAndCertificate> issue_pair(std::string_view ca_key_pem, std::string_view ca_pem, Leaf leaf,
                                     Validity validity) {
  OMRSYNC_TRY(key, new_key());
  OMRSYNC_TRY(key_pem, to_pem(*key));
  leaf.key = std::move(key);
  OMRSYNC_TRY(certificate_pem, issue(ca_key_pem, ca_pem, std::move(leaf), validity));
  return KeyAndCertificate{std::move(key_pem), std::move(certificate_pem)};
}

/// For a node of that uuid. Not a uuid: `usage`.
Result<Leaf> node_leaf(std::string_view node_uuid) {
  if (!is_uuid(node_uuid)) return Error{Remedy::set_aside, Code::usage, "A node's identity must be a uuid."};
  const std::string node = lower_case(node_uuid);
  Leaf leaf{nullptr, node, "clientAuth", {}};
  leaf.alternatives.push_back(ia5_name(GEN_URI, std::string(kNodeUri) + node));
  return leaf;
}

Result<KeyAndCertificate> self_signed(std::string_view name, Validity validity) {
  OMRSYNC_TRY(key, new_key());
  OMRSYNC_TRY(certificate, blank_certificate("omrsync " + std::string(name), *key, validity));
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) != 1 ||
      !add_extension(*certificate, *certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(*certificate, *certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(*certificate, *certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0)
    return openssl_failed("sign the authority's certificate");
  OMRSYNC_TRY(key_pem, to_pem(*key));
  OMRSYNC_TRY(certificate_pem, to_pem(*certificate));
  return KeyAndCertificate{std::move(key_pem), std::move(certificate_pem)};
}

Result<std::chrono::sys_seconds> instant(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return openssl_failed("read a certificate's date");
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

std::optional<std::string> node_of(const X509& certificate) {
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::optional<std::string> node;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                          static_cast<std::size_t>(ASN1_STRING_length(uri)));
    if (!text.starts_with(kNodeUri)) continue;
    text.remove_prefix(kNodeUri.size());
    if (node || !is_uuid(text)) return std::nullopt;
    node = lower_case(text);
  }
  return node;
}

std::string fingerprint_of(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kHex[digest[i] >> 4];
    text += kHex[digest[i] & 15];
  }
  return text;
}

Result<CertificateAuthority> CertificateAuthority::create(const std::filesystem::path& folder, std::string_view name,
                                                          Validity validity) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / kCertificateFile, ignored))
    return Error{Remedy::stop_node, Code::config_invalid,
                 (folder / kCertificateFile).string() + " exists; replacing it would void every card it made."};
  OMRSYNC_TRY(made, self_signed(name, validity));
  OMRSYNC_CHECK(write_secret_file(folder / kKeyFile, made.key_pem));
  OMRSYNC_CHECK(write_public_file(folder / kCertificateFile, made.certificate_pem));
  return CertificateAuthority(std::move(made.key_pem), std::move(made.certificate_pem));
}

Result<CertificateAuthority> CertificateAuthority::open(const std::filesystem::path& folder) {
  OMRSYNC_TRY(key_pem, read_secret_file(folder / kKeyFile));
  OMRSYNC_TRY(certificate_pem, read_file(folder / kCertificateFile));
  OMRSYNC_TRY(key, parse_key(key_pem));
  OMRSYNC_TRY(certificate, parse_certificate(certificate_pem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return Error{Remedy::stop_node, Code::file_unreadable,
                 (folder / kKeyFile).string() + " is not the key of the certificate beside it."};
  }
  return CertificateAuthority(std::move(key_pem), std::move(certificate_pem));
}

Result<KeyAndCertificate> CertificateAuthority::issue_server(const std::vector<std::string>& hosts,
                                                             Validity validity) const {
  std::vector<std::string> all = hosts;
  for (const char* always : {"localhost", "127.0.0.1"})
    if (std::find(all.begin(), all.end(), always) == all.end()) all.emplace_back(always);
  Leaf leaf{nullptr, all.front(), "serverAuth", {}};
  for (const std::string& host : all) leaf.alternatives.push_back(host_name(host));
  return issue_pair(key_pem_, certificate_pem_, std::move(leaf), validity);
}

Result<KeyAndCertificate> CertificateAuthority::issue_client(std::string_view node_uuid, Validity validity) const {
  OMRSYNC_TRY(leaf, node_leaf(node_uuid));
  return issue_pair(key_pem_, certificate_pem_, std::move(leaf), validity);
}

Result<std::string> CertificateAuthority::sign_client(std::string_view request_pem, std::string_view node_uuid,
                                                      Validity validity) const {
  OMRSYNC_TRY(leaf, node_leaf(node_uuid));
  OMRSYNC_TRY(key, key_of_request(request_pem));
  leaf.key = std::move(key);
  return issue(key_pem_, certificate_pem_, std::move(leaf), validity);
}

Result<std::string> certificate_alone(std::string_view pem) {
  OMRSYNC_TRY(certificate, parse_certificate(pem));
  return to_pem(*certificate);
}

Result<std::chrono::sys_seconds> certificate_expiry(std::string_view pem) {
  OMRSYNC_TRY(certificate, parse_certificate(pem));
  return instant(X509_get0_notAfter(certificate.get()));
}

Result<std::chrono::sys_seconds> certificate_start(std::string_view pem) {
  OMRSYNC_TRY(certificate, parse_certificate(pem));
  return instant(X509_get0_notBefore(certificate.get()));
}

Result<std::string> fingerprint(std::string_view pem) {
  OMRSYNC_TRY(certificate, parse_certificate(pem));
  std::string text = fingerprint_of(*certificate);
  if (text.empty()) return openssl_failed("hash a certificate");
  return text;
}

Result<std::string> certificate_node(std::string_view pem) {
  OMRSYNC_TRY(certificate, parse_certificate(pem));
  std::optional<std::string> node = node_of(*certificate);
  if (!node) return Error{Remedy::stop_node, Code::tls_identity_mismatch, "The certificate names no node."};
  return *std::move(node);
}

}  // namespace omrsync::http
