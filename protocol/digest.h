#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace omrsync {

/// 64-bit keyed hash (SipHash-2-4). With a secret key it tells equal values from unequal ones and nothing else: a plain
/// hash of a gender is a gender. One object per thread.
class KeyedHash {
 public:
  explicit KeyedHash(const std::array<std::uint8_t, 16>& key) noexcept;
  [[nodiscard]] std::uint64_t operator()(std::string_view bytes) const noexcept;

 private:
  std::uint64_t k0_;
  std::uint64_t k1_;
};

/// SHA-256, 32 bytes.
[[nodiscard]] std::string sha256(std::string_view bytes);

/// The same over bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(std::string_view bytes);
  [[nodiscard]] std::string finish();  ///< once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Lower-case hex.
[[nodiscard]] std::string to_hex(std::string_view bytes);

}  // namespace omrsync
