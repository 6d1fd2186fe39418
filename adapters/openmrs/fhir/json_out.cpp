#include "adapters/openmrs/fhir/json_out.h"

#include <array>
#include <cstdint>

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::array<bool, 256> must_escape() {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) table[byte] = true;
  table['"'] = table['\\'] = true;
  return table;
}

constexpr auto kMustEscape = must_escape();
constexpr std::string_view kHex = "0123456789abcdef";

void append_escaped(std::string& out, char byte) {
  out.push_back('\\');
  switch (byte) {
    case '\n':
      out.push_back('n');
      return;
    case '\r':
      out.push_back('r');
      return;
    case '\t':
      out.push_back('t');
      return;
    case '"':
    case '\\':
      out.push_back(byte);
      return;
    default:
      break;
  }
  const auto code = static_cast<unsigned char>(byte);
  out.append("u00", 3);
  out.push_back(kHex[code >> 4]);
  out.push_back(kHex[code & 0xF]);
}

/// How many bytes at the front, in steps of eight, need no escape.
std::size_t plain_bytes(std::string_view value) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  std::size_t at = 0;
  for (; at + 8 <= value.size(); at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, value.data() + at, 8);
    const std::uint64_t quote = eight ^ (kOnes * '"');
    const std::uint64_t slash = eight ^ (kOnes * '\\');
    const std::uint64_t control = (eight - kOnes * 0x20) & ~eight;
    if ((((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash) | control) & kHigh) break;
  }
  return at;
}

}  // namespace

void JsonOut::escape(std::string_view value) {
  std::size_t done = 0;
  for (std::size_t at = plain_bytes(value); at < value.size(); ++at) {
    if (!kMustEscape[static_cast<unsigned char>(value[at])]) continue;
    out_.append(value.substr(done, at - done));
    append_escaped(out_, value[at]);
    done = at + 1;
  }
  out_.append(value.substr(done));
}

}  // namespace omrsync::openmrs::fhir
