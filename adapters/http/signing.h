#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

/// What a node says beside the line, signed by the key of the certificate by which it is known on the line.
namespace omrsync::http {

/// ECDSA over SHA-256, in DER, as `openssl pkeyutl -sign -rawin -digest sha256` makes it.
[[nodiscard]] Result<std::string> sign(std::string_view key_pem, std::string_view bytes);

/// Whose certificate it is.
struct Signer {
  std::optional<std::string> node;  ///< of a child's certificate: its uuid
  bool parent = false;              ///< a certificate for listening: of the authority's own node
};

/// The authority made that certificate, and its key signed these bytes. When the certificate is valid is not asked:
/// what is carried may be on its way for long. `usb_sender_refused`, `usb_altered`.
[[nodiscard]] Result<Signer> check_signature(std::string_view authority_pem, std::string_view certificate_pem,
                                             std::string_view bytes, std::string_view signature);

/// The same, whoever made the certificate.
[[nodiscard]] Status check_signature(std::string_view certificate_pem, std::string_view bytes,
                                     std::string_view signature);

}  // namespace omrsync::http
