#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/state.h"

/// Roots as keys of ordered tables of bytes.
namespace omrsync {

/// 16 bytes behind 0x01 when the key is a plain uuid, else the text behind 0x02. NUL inside a natural key cannot occur:
/// keys are text.
[[nodiscard]] std::string key_bytes(std::string_view key);

/// table, NUL, and the key.
[[nodiscard]] std::string root_bytes(const RootKey& root);
/// The other way; whatever follows the root is left aside.
[[nodiscard]] RootKey root_from(std::string_view bytes);
/// How many of the bytes are the root, where a NUL and something else may follow it.
[[nodiscard]] std::size_t root_length(std::string_view bytes) noexcept;

}  // namespace omrsync
