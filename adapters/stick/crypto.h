#pragma once
// The primitives of the age format, each one call to OpenSSL. Private to this folder.

#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::stick {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kTagBytes = 16;

/// From the operating system (D-10).
[[nodiscard]] Result<std::string> random_bytes(std::size_t count);

/// The public half of an X25519 private key.
[[nodiscard]] Result<std::string> x25519_public(std::string_view secret);

/// Fails where the result would be zero (a point of low order).
[[nodiscard]] Result<std::string> x25519(std::string_view secret, std::string_view point);

/// HKDF-SHA-256, 32 bytes.
[[nodiscard]] Result<std::string> hkdf(std::string_view key, std::string_view salt, std::string_view info);

[[nodiscard]] Result<std::string> hmac_sha256(std::string_view key, std::string_view bytes);

/// In constant time.
[[nodiscard]] bool same_bytes(std::string_view one, std::string_view other) noexcept;

/// ChaCha20-Poly1305, the tag behind the bytes.
[[nodiscard]] Result<std::string> seal(std::string_view key, std::string_view nonce, std::string_view bytes);

/// `set_aside`, usb_volume_damaged: these bytes were not sealed so under that key.
[[nodiscard]] Result<std::string> unseal(std::string_view key, std::string_view nonce, std::string_view sealed);

/// A key that is no longer needed.
void wipe(std::string& secret) noexcept;

}  // namespace omrsync::stick
