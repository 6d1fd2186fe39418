#include "protocol/ids.h"

#include <cstdio>

namespace omrsync {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool hyphen_at(std::size_t place) noexcept { return place == 8 || place == 13 || place == 18 || place == 23; }

}  // namespace

std::string to_string(const Uuid& uuid) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kHex[uuid.bytes[i] >> 4]);
    text.push_back(kHex[uuid.bytes[i] & 15]);
  }
  return text;
}

std::optional<Uuid> parse_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (hyphen_at(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) return std::nullopt;
    auto& byte = uuid.bytes[digits / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | digit);
    ++digits;
  }
  return uuid;
}

std::string to_string(const Dot& dot) {
  if (dot.actor.is_load()) {
    char text[32];
    std::snprintf(text, sizeof text, "load/%016llx", static_cast<unsigned long long>(dot.sequence));
    return text;
  }
  return to_string(dot.actor.node) + "/" + std::to_string(dot.actor.incarnation.counter) + "/" +
         std::to_string(dot.sequence);
}

}  // namespace omrsync
