#include "protocol/enrol_code.h"

#include <array>
#include <cctype>

#include "protocol/digest.h"

namespace omrsync {
namespace {

/// Crockford's: without letters that look like digits, or like each other.
constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kGroup = 6;
constexpr std::size_t kCheckBytes = 2;
constexpr std::size_t kBytes = EnrolCode::kSecretBytes + EnrolCode::kAuthorityBytes + kCheckBytes;
static_assert(kBytes % 5 == 0);  // then no character holds bits of nothing

std::string check_of(std::string_view bytes) {
  return sha256("omrsync code " + std::string(bytes)).substr(0, kCheckBytes);
}

std::size_t digit_of(char c) {
  c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  return kDigits.find(c);
}

}  // namespace

std::string to_string(const EnrolCode& code) {
  std::string bytes = code.secret + code.authority;
  bytes += check_of(bytes);
  std::string text;
  unsigned bits = 0, held = 0;
  std::size_t digits = 0;
  for (const char byte : bytes) {
    held = held << 8 | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= 5; bits -= 5) {
      if (digits > 0 && digits % kGroup == 0) text += '-';
      text += kDigits[held >> (bits - 5) & 31U];
      ++digits;
    }
    held &= 31U;
  }
  return text;
}

Result<EnrolCode> parse_enrol_code(std::string_view text) {
  const Error mistyped{Remedy::stop_node, Code::enrol_code_mistyped,
                       "The code is not whole: compare it with what the parent printed."};
  std::string bytes;
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    if (c == '-' || c == ' ') continue;
    const std::size_t digit = digit_of(c);
    if (digit == std::string_view::npos) return mistyped;
    held = (held << 5 | static_cast<unsigned>(digit)) & 0xFFFU;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 0xFFU);
  }
  if (bytes.size() != kBytes || bits != 0) return mistyped;
  const std::string body = bytes.substr(0, kBytes - kCheckBytes);
  if (check_of(body) != bytes.substr(body.size())) return mistyped;
  return EnrolCode{body.substr(0, EnrolCode::kSecretBytes), body.substr(EnrolCode::kSecretBytes)};
}

std::string hash_of_secret(std::string_view secret) { return sha256("omrsync enrol " + std::string(secret)); }

}  // namespace omrsync
