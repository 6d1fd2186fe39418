#pragma once

#include <cstdint>
#include <string_view>

namespace omrsync::mysql {

/// Reads through bytes that nobody vouches for. Reading past the end gives zeros and empty pieces and makes `ok` false
/// for good.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] std::size_t left() const noexcept { return rest_.size(); }

  std::string_view take(std::uint64_t count) noexcept {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view piece = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return piece;
  }

  /// An unsigned number of `width` (0 to 8) bytes, lowest first.
  std::uint64_t little(unsigned width) noexcept {
    std::uint64_t value = 0;
    const std::string_view bytes = take(width);
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }

  /// An unsigned number of `width` (0 to 8) bytes, highest first.
  std::uint64_t big(unsigned width) noexcept {
    std::uint64_t value = 0;
    for (const char c : take(width)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }

  /// The protocol's length-encoded number.
  std::uint64_t packed() noexcept {
    const std::uint64_t first = little(1);
    if (first < 251) return first;
    if (first == 252) return little(2);
    if (first == 253) return little(3);
    if (first == 254) return little(8);
    ok_ = false;
    return 0;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace omrsync::mysql
