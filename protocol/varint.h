#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omrsync {

/// LEB128, at most ten bytes.
inline void append_varint(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

/// Takes a number off the front of `in`; nothing when it is cut short or too long.
[[nodiscard]] inline std::optional<std::uint64_t> take_varint(std::string_view& in) noexcept {
  std::uint64_t number = 0;
  for (unsigned shift = 0, used = 0; used < in.size() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(in[used++]);
    number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      in.remove_prefix(used);
      return number;
    }
  }
  return std::nullopt;
}

inline void append_bytes(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

[[nodiscard]] inline std::optional<std::string_view> take_bytes(std::string_view& in) noexcept {
  std::string_view rest = in;
  const auto size = take_varint(rest);
  if (!size || *size > rest.size()) return std::nullopt;
  const std::string_view bytes = rest.substr(0, static_cast<std::size_t>(*size));
  rest.remove_prefix(static_cast<std::size_t>(*size));
  in = rest;
  return bytes;
}

/// Eight bytes, most significant first, so that byte order is number order.
inline void append_u64(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}

[[nodiscard]] inline std::optional<std::uint64_t> take_u64(std::string_view& in) noexcept {
  if (in.size() < 8) return std::nullopt;
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  in.remove_prefix(8);
  return number;
}

}  // namespace omrsync
