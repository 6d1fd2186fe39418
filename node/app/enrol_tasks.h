#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "node/app/config.h"
#include "protocol/result.h"

/// What the administrator of a child does about its certificate.
namespace omrsync::app {

struct MadeRequest {
  std::string name;
  std::string key;  ///< SHA-256 of the public key, hex
};

/// A request for a certificate as a file. Where there is no configuration yet, for the node that `init` will make
/// beside it; then `name` is needed (`usage`).
[[nodiscard]] Result<MadeRequest> make_request(const std::filesystem::path& config_file,
                                               const std::optional<std::string>& name,
                                               const std::filesystem::path& request_file);

struct Enrolled {
  std::string name;
  std::string authority;  ///< SHA-256 of the certificate of the authority, hex
};

/// The parent's answer to that request. `authority_mismatch` where it does not begin with `authority` (may be empty);
/// `tls_identity_mismatch` where it is for another node. A running daemon uses it from its next question on.
[[nodiscard]] Result<Enrolled> take_answer(const Config& config, const std::filesystem::path& answer_file,
                                           const std::string& authority);

/// A certificate from the parent for a one-time code. As `ask_with_code`, and `tls_identity_mismatch`.
[[nodiscard]] Result<Enrolled> take_code(const Config& config, const std::string& code);

}  // namespace omrsync::app
