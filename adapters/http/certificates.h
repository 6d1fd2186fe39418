#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace omrsync::http {

struct KeyAndCertificate {
  std::string key_pem;  ///< a secret: write it with `write_secret_file`
  std::string certificate_pem;
};

/// From when and how long a certificate is valid. It also counts as valid one day before `from`, because the clocks of
/// two nodes differ.
struct Validity {
  std::chrono::sys_seconds from;
  std::chrono::seconds length = std::chrono::days(365);
};

/// A parent's own certificate authority: an ECDSA P-256 key in `ca.key` (0600) and its certificate in `ca.crt`, both in
/// one folder. Every node under the parent trusts this one alone. Const methods may be called from several threads.
class CertificateAuthority {
 public:
  /// Makes a new authority in an existing folder. Refuses (`config_invalid`) to replace one: every card would be void.
  [[nodiscard]] static Result<CertificateAuthority> create(const std::filesystem::path& folder, std::string_view name,
                                                           Validity validity);

  /// Reads the authority of `folder`. `secret_readable` if others may read its key, `file_unreadable` if it is torn.
  [[nodiscard]] static Result<CertificateAuthority> open(const std::filesystem::path& folder);

  /// The public certificate that goes into each node's card.
  [[nodiscard]] const std::string& certificate_pem() const noexcept { return certificate_pem_; }

  /// A new key and certificate for a listener, valid for each of `hosts` (names or IP addresses), localhost and
  /// 127.0.0.1, and for nothing but serving. Every call makes another key.
  [[nodiscard]] Result<KeyAndCertificate> issue_server(const std::vector<std::string>& hosts, Validity validity) const;

  /// A new key and certificate that prove to be the node with that uuid (SAN `URI:urn:uuid:<node>`, lower case), for
  /// clients only. Not a uuid: `usage`.
  [[nodiscard]] Result<KeyAndCertificate> issue_client(std::string_view node_uuid, Validity validity) const;

  /// The same for a key that stays where it was made: of the request only the public key counts, and only once its
  /// signature has shown that whoever asks holds the private one (`enrol_request_unsound`).
  [[nodiscard]] Result<std::string> sign_client(std::string_view request_pem, std::string_view node_uuid,
                                                Validity validity) const;

 private:
  CertificateAuthority(std::string key_pem, std::string certificate_pem)
      : key_pem_(std::move(key_pem)), certificate_pem_(std::move(certificate_pem)) {}

  std::string key_pem_;
  std::string certificate_pem_;
};

/// The (first) certificate of a PEM text that may hold a private key too, alone.
[[nodiscard]] Result<std::string> certificate_alone(std::string_view pem);

/// The first instant at which the (first) certificate of the PEM text is no longer valid.
[[nodiscard]] Result<std::chrono::sys_seconds> certificate_expiry(std::string_view pem);

/// The first instant at which it is valid.
[[nodiscard]] Result<std::chrono::sys_seconds> certificate_start(std::string_view pem);

/// SHA-256 of the certificate (DER), 64 lower-case hex digits.
[[nodiscard]] Result<std::string> fingerprint(std::string_view pem);

/// The node whose identity the certificate proves: the uuid of its only SAN `URI:urn:uuid:<node>`, lower case.
[[nodiscard]] Result<std::string> certificate_node(std::string_view pem);

}  // namespace omrsync::http
