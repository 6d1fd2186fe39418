#include "adapters/mysql/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "adapters/mysql/connection.h"

namespace omrsync::mysql {
namespace {

struct NamedKind {
  std::string_view word;
  ValueKind kind;
};

constexpr std::array kKinds = {
    NamedKind{"tinyint", ValueKind::integer},
    NamedKind{"smallint", ValueKind::integer},
    NamedKind{"mediumint", ValueKind::integer},
    NamedKind{"int", ValueKind::integer},
    NamedKind{"integer", ValueKind::integer},
    NamedKind{"bigint", ValueKind::integer},
    NamedKind{"float", ValueKind::real32},
    NamedKind{"double", ValueKind::real64},
    NamedKind{"decimal", ValueKind::decimal},
    NamedKind{"date", ValueKind::date},
    NamedKind{"datetime", ValueKind::datetime},
    NamedKind{"timestamp", ValueKind::timestamp},
    NamedKind{"time", ValueKind::time},
    NamedKind{"year", ValueKind::year},
    NamedKind{"bit", ValueKind::bits},
    NamedKind{"enum", ValueKind::enumeration},
    NamedKind{"set", ValueKind::set},
    NamedKind{"char", ValueKind::text},
    NamedKind{"varchar", ValueKind::text},
    NamedKind{"tinytext", ValueKind::text},
    NamedKind{"text", ValueKind::text},
    NamedKind{"mediumtext", ValueKind::text},
    NamedKind{"longtext", ValueKind::text},
    NamedKind{"binary", ValueKind::bytes},
    NamedKind{"varbinary", ValueKind::bytes},
    NamedKind{"tinyblob", ValueKind::bytes},
    NamedKind{"blob", ValueKind::bytes},
    NamedKind{"mediumblob", ValueKind::bytes},
    NamedKind{"longblob", ValueKind::bytes},
    NamedKind{"geometry", ValueKind::bytes},
    NamedKind{"point", ValueKind::bytes},
    NamedKind{"linestring", ValueKind::bytes},
    NamedKind{"polygon", ValueKind::bytes},
    NamedKind{"multipoint", ValueKind::bytes},
    NamedKind{"multilinestring", ValueKind::bytes},
    NamedKind{"multipolygon", ValueKind::bytes},
    NamedKind{"geometrycollection", ValueKind::bytes},
};

/// What the server makes of the bytes 0x80 to 0x9F of latin1.
constexpr std::array<std::uint16_t, 32> kWindows1252 = {0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                        0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                                        0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                        0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

void append_code_point(std::string& out, unsigned point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (point >> 6)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xE0 | (point >> 12)));
    out.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

void append_padded(std::string& out, unsigned value, unsigned width) {
  char digits[10];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  for (auto have = static_cast<unsigned>(end - digits); have < width; ++have) out.push_back('0');
  out.append(digits, end);
}

template <typename Number>
void append_number(std::string& out, Number value) {
  char digits[64];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "-007.50" -> "-7.50", "-0.00" -> "0.00".
std::string without_leading_zeros(const std::string& text) {
  const bool negative = text.starts_with('-');
  std::size_t from = negative ? 1 : 0;
  while (from + 1 < text.size() && text[from] == '0' && text[from + 1] != '.') ++from;
  const std::string digits = text.substr(from);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  return negative && !zero ? "-" + digits : digits;
}

std::string without_trailing_fraction(std::string text) {
  const std::size_t point = text.rfind('.');
  if (point == std::string::npos || !all_digits(std::string_view(text).substr(point + 1))) return text;
  std::size_t end = text.size();
  while (text[end - 1] == '0') --end;
  text.resize(end == point + 1 ? point : end);
  return text;
}

template <typename Real>
std::string shortest(std::string text) {
  double wide = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wide);
  if (error != std::errc{} || end != text.data() + text.size()) return text;
  std::string out;
  append_real(out, static_cast<Real>(wide));
  return out;
}

}  // namespace

ValueKind kind_of(std::string_view column_type) {
  std::string word;
  for (const char c : column_type) {
    if (c == '(' || c == ' ') break;
    word.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  for (const NamedKind& named : kKinds)
    if (named.word == word) return named.kind;
  return ValueKind::unsupported;
}

std::string select_expression(std::string_view column, ValueKind kind) {
  const std::string quoted = quote_identifier(column);
  switch (kind) {
    case ValueKind::real32:
    case ValueKind::real64:
      return quoted + "*1e0";
    case ValueKind::bits:
    case ValueKind::enumeration:
    case ValueKind::set:
      return "CAST(" + quoted + " AS UNSIGNED)";
    default:
      return quoted;
  }
}

std::string canonical_from_sql(ValueKind kind, std::string text) {
  switch (kind) {
    case ValueKind::integer:
      return text.starts_with('0') ? without_leading_zeros(text) : text;
    case ValueKind::decimal:
      return without_leading_zeros(text);
    case ValueKind::real32:
      return shortest<float>(std::move(text));
    case ValueKind::real64:
      return shortest<double>(std::move(text));
    case ValueKind::datetime:
    case ValueKind::timestamp:
    case ValueKind::time:
      return without_trailing_fraction(std::move(text));
    default:
      return text;
  }
}

Cell canonical_from_sql(ValueKind kind, Cell cell) {
  if (cell) *cell = canonical_from_sql(kind, std::move(*cell));
  return cell;
}

Charset charset_of_collation(std::uint64_t id) noexcept {
  if (id >= 2048 && id < 2304) return Charset::utf8;  // MariaDB's uca1400 of utf8mb3 and utf8mb4
  if (id >= 2304 && id < 2560) return Charset::utf8;
  if (id >= 1024 && id < 2048) id -= 1024;  // MariaDB's nopad twin of a collation
  switch (id) {
    case 63:
      return Charset::binary;
    case 5:
    case 8:
    case 15:
    case 31:
    case 47:
    case 48:
    case 49:
    case 94:
      return Charset::latin1;
    case 11:
    case 65:
      return Charset::ascii;
    case 33:
    case 45:
    case 46:
    case 76:
    case 83:
    case 223:
    case 576:
    case 577:
    case 578:
    case 608:
    case 609:
    case 610:
      return Charset::utf8;
    default:
      break;
  }
  const bool utf8 = (id >= 192 && id <= 215) || (id >= 224 && id <= 247) || (id >= 255 && id <= 323);
  return utf8 ? Charset::utf8 : Charset::other;
}

Charset charset_by_name(std::string_view name) noexcept {
  if (name == "utf8" || name == "utf8mb3" || name == "utf8mb4") return Charset::utf8;
  if (name == "latin1") return Charset::latin1;
  if (name == "ascii") return Charset::ascii;
  if (name.empty() || name == "binary") return Charset::binary;
  return Charset::other;
}

void append_utf8(std::string& out, std::string_view bytes, Charset charset) {
  if (charset != Charset::latin1) {
    out.append(bytes);
    return;
  }
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    append_code_point(out, byte >= 0x80 && byte < 0xA0 ? kWindows1252[byte - 0x80u] : byte);
  }
}

void append_real(std::string& out, double value) { append_number(out, value); }
void append_real(std::string& out, float value) { append_number(out, value); }
void append_integer(std::string& out, std::int64_t value) { append_number(out, value); }
void append_integer(std::string& out, std::uint64_t value) { append_number(out, value); }

void append_date(std::string& out, unsigned year, unsigned month, unsigned day) {
  append_padded(out, year, 4);
  out.push_back('-');
  append_padded(out, month, 2);
  out.push_back('-');
  append_padded(out, day, 2);
}

void append_clock(std::string& out, unsigned hours, unsigned minutes, unsigned seconds, unsigned microseconds) {
  append_padded(out, hours, 2);
  out.push_back(':');
  append_padded(out, minutes, 2);
  out.push_back(':');
  append_padded(out, seconds, 2);
  if (microseconds == 0) return;
  out.push_back('.');
  append_padded(out, microseconds, 6);
  while (out.back() == '0') out.pop_back();
}

void append_timestamp(std::string& out, std::uint64_t seconds, unsigned microseconds) {
  if (seconds == 0 && microseconds == 0) {
    out.append("0000-00-00 00:00:00");
    return;
  }
  // Days since 0000-03-01, then the civil date by eras of 400 years.
  const std::uint64_t days = seconds / 86400 + 719468;
  const std::uint64_t era = days / 146097;
  const std::uint64_t of_era = days % 146097;
  const std::uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted = (5 * of_year + 2) / 153;
  const auto day = static_cast<unsigned>(of_year - (153 * shifted + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(shifted < 10 ? shifted + 3 : shifted - 9);
  const auto year = static_cast<unsigned>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
  append_date(out, year, month, day);
  out.push_back(' ');
  const auto clock = static_cast<unsigned>(seconds % 86400);
  append_clock(out, clock / 3600, clock / 60 % 60, clock % 60, microseconds);
}

}  // namespace omrsync::mysql
