#pragma once

#include <string>
#include <string_view>

#include "protocol/result.h"

/// How a node gets a certificate for a key that never leaves it.
namespace omrsync::http {

/// A new private key (ECDSA P-256), a secret.
[[nodiscard]] Result<std::string> make_key();

/// A certificate signing request for it (PKCS #10), signed by it. `common_name` is for people.
[[nodiscard]] Result<std::string> signing_request(std::string_view key_pem, std::string_view common_name);

/// SHA-256 of the public key that the request is about, in hex. `enrol_request_unsound`: not signed by that key.
[[nodiscard]] Result<std::string> request_key(std::string_view request_pem);

/// `enrol_request_unsound` unless the certificate is for that key and signed by that authority.
[[nodiscard]] Status check_issued(std::string_view certificate_pem, std::string_view key_pem,
                                  std::string_view authority_pem);

/// Text that only the holder of the certificate's key can read: CMS (RFC 5652), in PEM form.
[[nodiscard]] Result<std::string> seal_for(std::string_view certificate_pem, std::string_view text);

/// `enrol_request_unsound` when it was sealed for somebody else, or altered.
[[nodiscard]] Result<std::string> open_sealed(std::string_view key_pem, std::string_view certificate_pem,
                                              std::string_view sealed);

}  // namespace omrsync::http
