#include "adapters/stick/bech32.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace omrsync::stick {
namespace {

constexpr std::string_view kLetters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kCheckLetters = 6;

std::uint32_t polymod(const std::vector<std::uint8_t>& values) {
  constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  std::uint32_t check = 1;
  for (const std::uint8_t value : values) {
    const std::uint32_t top = check >> 25U;
    check = (check & 0x1ffffffU) << 5U ^ value;
    for (std::size_t i = 0; i < kGenerator.size(); ++i)
      if ((top >> i & 1U) != 0) check ^= kGenerator[i];
  }
  return check;
}

/// What goes into the checksum before the data.
std::vector<std::uint8_t> expanded(std::string_view prefix) {
  std::vector<std::uint8_t> values;
  for (const char c : prefix) values.push_back(static_cast<std::uint8_t>(static_cast<unsigned char>(c) >> 5U));
  values.push_back(0);
  for (const char c : prefix) values.push_back(static_cast<std::uint8_t>(static_cast<unsigned char>(c) & 31U));
  return values;
}

}  // namespace

std::string to_bech32(std::string_view prefix, std::string_view bytes) {
  std::vector<std::uint8_t> data;
  std::uint32_t bits = 0, count = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (count += 8; count >= 5; count -= 5) data.push_back(static_cast<std::uint8_t>(bits >> (count - 5) & 31U));
  }
  if (count > 0) data.push_back(static_cast<std::uint8_t>(bits << (5 - count) & 31U));
  std::vector<std::uint8_t> checked = expanded(prefix);
  checked.insert(checked.end(), data.begin(), data.end());
  checked.resize(checked.size() + kCheckLetters, 0);
  const std::uint32_t check = polymod(checked) ^ 1U;
  for (std::size_t i = 0; i < kCheckLetters; ++i)
    data.push_back(static_cast<std::uint8_t>(check >> (5 * (kCheckLetters - 1 - i)) & 31U));
  std::string text(prefix);
  text += '1';
  for (const std::uint8_t value : data) text += kLetters[value];
  return text;
}

std::optional<std::string> from_bech32(std::string_view prefix, std::string_view text) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const bool mixed = std::any_of(text.begin(), text.end(), is_lower) && std::any_of(text.begin(), text.end(), is_upper);
  std::string lower(text);
  for (char& c : lower)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  const std::size_t begin = prefix.size() + 1;
  if (mixed || lower.size() < begin + kCheckLetters || !lower.starts_with(prefix) || lower[prefix.size()] != '1')
    return std::nullopt;
  std::vector<std::uint8_t> checked = expanded(prefix);
  std::string bytes;
  std::uint32_t bits = 0, count = 0;
  for (std::size_t i = begin; i < lower.size(); ++i) {
    const std::size_t value = kLetters.find(lower[i]);
    if (value == std::string_view::npos) return std::nullopt;
    checked.push_back(static_cast<std::uint8_t>(value));
    if (i + kCheckLetters >= lower.size()) continue;
    bits = bits << 5U | static_cast<std::uint32_t>(value);
    count += 5;
    if (count >= 8) bytes += static_cast<char>(bits >> (count -= 8));
  }
  const bool padded_with_zeros = count < 5 && (bits & ((1U << count) - 1)) == 0;
  if (polymod(checked) != 1 || !padded_with_zeros) return std::nullopt;
  return bytes;
}

}  // namespace omrsync::stick
