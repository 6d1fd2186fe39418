#include "adapters/openmrs/fhir/primitives.h"

#include <date/date.h>

#include <array>
#include <charconv>

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::size_t kMaxString = std::size_t{1} << 20U;
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

bool digits(std::string_view text) noexcept {
  for (const char byte : text)
    if (!is_digit(byte)) return false;
  return !text.empty();
}

int number(std::string_view text) noexcept {
  int value = 0;
  for (const char byte : text) value = value * 10 + (byte - '0');
  return value;
}

/// How many bytes the UTF-8 sequence at the front has; 0: none that is well-formed.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(at < text.size() ? text[at] : 0); };
  const auto follows = [&](std::size_t at) { return (byte(at) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// Characters that some readers take for white space, so that a text of them alone would be dropped.
bool is_blank(std::string_view character) noexcept {
  return character == " " || character == "\t" || character == "\r" || character == "\n" || character == "\xC2\xA0" ||
         character == "\xC2\x85" || character == "\xE3\x80\x80" || character.starts_with("\xE2\x80") ||
         character == "\xE2\x81\x9F" || character == "\xE1\x9A\x80" || character == "\xEF\xBB\xBF";
}

bool is_fraction(std::string_view text) noexcept {
  return text.empty() || (text.front() == '.' && text.size() <= 7 && digits(text.substr(1)));
}

bool is_clock(std::string_view text) noexcept {
  return text.size() == 8 && text[2] == ':' && text[5] == ':' && digits(text.substr(0, 2)) &&
         digits(text.substr(3, 2)) && digits(text.substr(6, 2)) && number(text.substr(0, 2)) < 24 &&
         number(text.substr(3, 2)) < 60 && number(text.substr(6, 2)) < 60;
}

std::optional<date::year_month_day> day_of(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !digits(text.substr(0, 4)) ||
      !digits(text.substr(5, 2)) || !digits(text.substr(8, 2)))
    return std::nullopt;
  const int year = number(text.substr(0, 4));
  const date::year_month_day day{date::year(year), date::month(static_cast<unsigned>(number(text.substr(5, 2)))),
                                 date::day(static_cast<unsigned>(number(text.substr(8, 2))))};
  if (year == 0 || !day.ok()) return std::nullopt;
  return day;
}

constexpr std::array<std::int8_t, 256> base64_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t at = 0; at < kBase64.size(); ++at)
    values[static_cast<unsigned char>(kBase64[at])] = static_cast<std::int8_t>(at);
  return values;
}

constexpr std::array<bool, 256> id_bytes() {
  std::array<bool, 256> table{};
  for (char byte = '0'; byte <= '9'; ++byte) table[static_cast<unsigned char>(byte)] = true;
  for (char byte = 'a'; byte <= 'z'; ++byte) table[static_cast<unsigned char>(byte)] = true;
  for (char byte = 'A'; byte <= 'Z'; ++byte) table[static_cast<unsigned char>(byte)] = true;
  table['-'] = table['.'] = true;
  return table;
}

constexpr auto kIdBytes = id_bytes();
constexpr auto kBase64Values = base64_values();

}  // namespace

bool is_fhir_string(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxString) return false;
  bool visible = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte > 0x20 && byte < 0x7F) {
      visible = true;
      ++at;
      continue;
    }
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0 || byte == 0x7F || (byte < 0x20 && byte != '\t' && byte != '\r' && byte != '\n')) return false;
    visible = visible || !is_blank(text.substr(at, length));
    at += length;
  }
  return visible;
}

bool is_fhir_code(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxString || text.front() == ' ' || text.back() == ' ') return false;
  char before = 'x';
  for (const char byte : text) {
    if (byte < 0x20 || byte >= 0x7F || (byte == ' ' && before == ' ')) return false;
    before = byte;
  }
  return true;
}

bool is_fhir_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64) return false;
  bool all = true;
  for (const char byte : text) all = all && kIdBytes[static_cast<unsigned char>(byte)];
  return all;
}

bool is_fhir_integer(std::string_view text) noexcept {
  if (text.empty() || text.size() > 11) return false;
  const std::string_view whole = text.front() == '-' ? text.substr(1) : text;
  if (!digits(whole) || (whole.front() == '0' && text != "0")) return false;
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_fhir_decimal(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64) return false;
  std::size_t at = text.front() == '-' ? 1 : 0;
  const auto run = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  const std::size_t first = at;
  const std::size_t whole = run();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (run() == 0) return false;
  }
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  if (run() == 0) return false;
  double value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

bool is_fhir_time(std::string_view text) noexcept {
  return text.size() >= 8 && is_clock(text.substr(0, 8)) && is_fraction(text.substr(8));
}

bool is_fhir_date(std::string_view text) noexcept { return day_of(text).has_value(); }

std::optional<std::int64_t> wall_clock_seconds(std::string_view text) noexcept {
  if (text.size() < 19 || text[10] != ' ' || !is_clock(text.substr(11, 8)) || !is_fraction(text.substr(19)))
    return std::nullopt;
  const auto day = day_of(text.substr(0, 10));
  if (!day) return std::nullopt;
  const std::int64_t days = date::sys_days(*day).time_since_epoch().count();
  return days * 86'400 + number(text.substr(11, 2)) * 3'600 + number(text.substr(14, 2)) * 60 +
         number(text.substr(17, 2));
}

void append_base64(std::string& out, std::string_view bytes) {
  const auto byte = [&](std::size_t at) {
    return at < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])) : 0U;
  };
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t three = byte(at) << 16U | byte(at + 1) << 8U | byte(at + 2);
    const std::size_t left = bytes.size() - at;
    out.push_back(kBase64[three >> 18U]);
    out.push_back(kBase64[three >> 12U & 63U]);
    out.push_back(left > 1 ? kBase64[three >> 6U & 63U] : '=');
    out.push_back(left > 2 ? kBase64[three & 63U] : '=');
  }
}

std::optional<std::size_t> decode_base64(std::string_view text, char* bytes) noexcept {
  const std::size_t size = text.size();
  if (size == 0 || size % 4 != 0) return std::nullopt;
  const std::size_t padding = text[size - 1] != '=' ? 0 : text[size - 2] != '=' ? 1 : 2;
  std::size_t written = 0;
  for (std::size_t at = 0; at < size; at += 4) {
    std::uint32_t three = 0;
    for (std::size_t step = 0; step < 4; ++step) {
      const bool pad = at + step >= size - padding;
      const int value = pad ? 0 : kBase64Values[static_cast<unsigned char>(text[at + step])];
      if (value < 0) return std::nullopt;
      three = three << 6U | static_cast<std::uint32_t>(value);
    }
    const std::size_t keep = at + 4 == size ? 3 - padding : 3;
    if ((keep == 1 && (three & 0xFFFFU) != 0) || (keep == 2 && (three & 0xFFU) != 0)) return std::nullopt;
    for (std::size_t step = 0; step < keep; ++step) bytes[written++] = static_cast<char>(three >> (16 - 8 * step));
  }
  return written;
}

}  // namespace omrsync::openmrs::fhir
