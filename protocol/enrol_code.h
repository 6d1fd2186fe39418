#pragma once

#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync {

/// What a parent's administrator hands to a new node's: a secret that is good once, and by what to know the parent's
/// authority, so that the node believes nobody else from its first byte on (I-2).
struct EnrolCode {
  static constexpr std::size_t kSecretBytes = 16;
  static constexpr std::size_t kAuthorityBytes = 12;
  std::string secret;     ///< kSecretBytes random bytes
  std::string authority;  ///< the first kAuthorityBytes of the SHA-256 of the authority's certificate
};

/// Eight groups of six characters, the last of them to find mistakes in typing.
[[nodiscard]] std::string to_string(const EnrolCode& code);

/// Upper or lower case, with or without hyphens and blanks; O is taken for 0, I and L for 1. `enrol_code_mistyped` when
/// it is not whole; the message does not quote it.
[[nodiscard]] Result<EnrolCode> parse_enrol_code(std::string_view text);

/// By what a parent knows the secret again without keeping it: 32 bytes.
[[nodiscard]] std::string hash_of_secret(std::string_view secret);

}  // namespace omrsync
