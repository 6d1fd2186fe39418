#include "adapters/mysql/row_decoder.h"

#include <array>
#include <bit>
#include <cstring>

#include "adapters/mysql/binlog_bytes.h"
#include "adapters/mysql/row_decoder_types.h"

namespace omrsync::mysql {
namespace {

void decode_integer(const LogColumn& column, unsigned width, Bytes& in, std::string& out) {
  const std::uint64_t raw = in.little(width);
  if (column.is_unsigned) return append_integer(out, raw);
  const unsigned shift = 64 - 8 * width;
  append_integer(out, static_cast<std::int64_t>(raw << shift) >> shift);
}

constexpr std::array<std::uint8_t, 10> kBytesOfDigits = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::array<std::uint32_t, 10> kPowers = {1,      10,      100,      1000,      10000,
                                                   100000, 1000000, 10000000, 100000000, 1000000000};

/// Appends `digits` (0 to 9) decimal digits, zeros included.
bool decode_digits(Bytes& in, unsigned digits, std::string& out) {
  auto value = static_cast<std::uint32_t>(in.big(kBytesOfDigits[digits]));
  if (value >= kPowers[digits]) return false;
  for (unsigned place = digits; place-- > 0;) {
    out.push_back(static_cast<char>('0' + value / kPowers[place]));
    value %= kPowers[place];
  }
  return true;
}

bool decode_decimal(const LogColumn& column, Bytes& in, std::string& out) {
  const unsigned scale = column.width, whole = column.size - scale;
  const unsigned length = whole / 9 * 4 + kBytesOfDigits[whole % 9] + scale / 9 * 4 + kBytesOfDigits[scale % 9];
  char buffer[40];
  const std::string_view raw = in.take(length);
  if (raw.size() != length || length == 0 || length > sizeof buffer) return false;
  std::memcpy(buffer, raw.data(), length);
  const bool negative = (buffer[0] & 0x80) == 0;
  buffer[0] = static_cast<char>(buffer[0] ^ 0x80);
  if (negative)
    for (unsigned i = 0; i < length; ++i) buffer[i] = static_cast<char>(~buffer[i]);
  Bytes digits(std::string_view(buffer, length));
  std::string text;
  bool good = decode_digits(digits, whole % 9, text);
  for (unsigned i = 0; i < whole / 9; ++i) good = good && decode_digits(digits, 9, text);
  const std::size_t first = text.find_first_not_of('0');
  text = first == std::string::npos ? "0" : text.substr(first);
  if (scale > 0) text.push_back('.');
  for (unsigned i = 0; i < scale / 9; ++i) good = good && decode_digits(digits, 9, text);
  good = good && decode_digits(digits, scale % 9, text);
  if (negative && text.find_first_not_of("0.") != std::string::npos) out.push_back('-');
  out.append(text);
  return good;
}

/// The fraction that follows a temporal value of `digits` digits, in microseconds.
unsigned decode_fraction(Bytes& in, unsigned digits) {
  switch ((digits + 1) / 2) {
    case 1:
      return static_cast<unsigned>(in.big(1)) * 10000;
    case 2:
      return static_cast<unsigned>(in.big(2)) * 100;
    case 3:
      return static_cast<unsigned>(in.big(3));
    default:
      return 0;
  }
}

void decode_datetime(const LogColumn& column, Bytes& in, std::string& out) {
  const std::uint64_t packed = in.big(5) & 0x7FFFFFFFFF;
  const unsigned microseconds = decode_fraction(in, column.width);
  const auto ymd = static_cast<unsigned>(packed >> 17);
  const auto hms = static_cast<unsigned>(packed & 0x1FFFF);
  append_date(out, (ymd >> 5) / 13, (ymd >> 5) % 13, ymd & 31);
  out.push_back(' ');
  append_clock(out, hms >> 12, hms >> 6 & 63, hms & 63, microseconds);
}

/// Sign, hours, minutes, seconds and fraction in one number that orders as the times do.
void decode_time(const LogColumn& column, Bytes& in, std::string& out) {
  const unsigned fraction_bytes = (column.width + 1) / 2;
  auto packed = static_cast<std::int64_t>(in.big(3 + fraction_bytes));
  packed -= std::int64_t{0x800000} << (8 * fraction_bytes);
  if (packed < 0) {
    out.push_back('-');
    packed = -packed;
  }
  const auto hms = static_cast<unsigned>(packed >> (8 * fraction_bytes));
  const auto fraction = static_cast<unsigned>(packed & ((std::int64_t{1} << (8 * fraction_bytes)) - 1));
  constexpr std::array<unsigned, 4> kUnit = {0, 10000, 100, 1};
  append_clock(out, hms >> 12 & 1023, hms >> 6 & 63, hms & 63, fraction * kUnit[fraction_bytes]);
}

void decode_date(Bytes& in, std::string& out) {
  const auto packed = static_cast<unsigned>(in.little(3));
  append_date(out, packed >> 9, packed >> 5 & 15, packed & 31);
}

/// DATETIME and TIME of tables made before MySQL 5.6 or MariaDB 10.1: decimal digits in a number.
void decode_old_datetime(Bytes& in, std::string& out) {
  const std::uint64_t packed = in.little(8);
  const std::uint64_t date = packed / 1000000;
  const auto clock = static_cast<unsigned>(packed % 1000000);
  append_date(out, static_cast<unsigned>(date / 10000), static_cast<unsigned>(date / 100 % 100),
              static_cast<unsigned>(date % 100));
  out.push_back(' ');
  append_clock(out, clock / 10000, clock / 100 % 100, clock % 100, 0);
}

void decode_old_time(Bytes& in, std::string& out) {
  auto packed = static_cast<std::int32_t>(static_cast<std::uint32_t>(in.little(3)) << 8) >> 8;
  if (packed < 0) {
    out.push_back('-');
    packed = -packed;
  }
  const auto clock = static_cast<unsigned>(packed);
  append_clock(out, clock / 10000, clock / 100 % 100, clock % 100, 0);
}

void decode_year(Bytes& in, std::string& out) {
  const std::uint64_t packed = in.little(1);
  if (packed == 0)
    out.append("0000");
  else
    append_integer(out, 1900 + packed);
}

void decode_bytes(const LogColumn& column, Bytes& in, std::string& out) {
  const std::string_view bytes = in.take(in.little(column.width));
  append_utf8(out, bytes, column.charset);
  const bool padded = column.type == kString && column.charset == Charset::binary;
  if (padded && out.size() < column.size) out.resize(column.size, '\0');
}

/// False, or a spoiled `in`: the bytes do not fit the column.
bool decode_value(const LogColumn& column, Bytes& in, std::string& out) {
  switch (column.type) {
    case kTiny:
      decode_integer(column, 1, in, out);
      break;
    case kShort:
      decode_integer(column, 2, in, out);
      break;
    case kInt24:
      decode_integer(column, 3, in, out);
      break;
    case kLong:
      decode_integer(column, 4, in, out);
      break;
    case kLongLong:
      decode_integer(column, 8, in, out);
      break;
    case kFloat:
      append_real(out, std::bit_cast<float>(static_cast<std::uint32_t>(in.little(4))));
      break;
    case kDouble:
      append_real(out, std::bit_cast<double>(in.little(8)));
      break;
    case kNewDecimal:
      return decode_decimal(column, in, out);
    case kDate:
    case kNewDate:
      decode_date(in, out);
      break;
    case kDatetime:
      decode_old_datetime(in, out);
      break;
    case kDatetime2:
      decode_datetime(column, in, out);
      break;
    case kTimestamp:
      append_timestamp(out, in.little(4), 0);
      break;
    case kTimestamp2: {
      const std::uint64_t seconds = in.big(4);
      append_timestamp(out, seconds, decode_fraction(in, column.width));
      break;
    }
    case kTime:
      decode_old_time(in, out);
      break;
    case kTime2:
      decode_time(column, in, out);
      break;
    case kYear:
      decode_year(in, out);
      break;
    case kBit:
      append_integer(out, in.big((column.width + 7) / 8));
      break;
    case kEnum:
    case kSet:
      append_integer(out, in.little(column.width));
      break;
    default:
      decode_bytes(column, in, out);
  }
  return in.ok();
}

bool decode_row(const TableMap& table, Bytes& in, Row& row) {
  const std::string_view nulls = in.take((table.columns.size() + 7) / 8);
  if (!in.ok()) return false;
  row.resize(table.columns.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    if ((static_cast<unsigned char>(nulls[i / 8]) >> (i % 8) & 1) != 0) continue;
    if (!decode_value(table.columns[i], in, row[i].emplace())) return false;
  }
  return true;
}

bool all_present(std::string_view bitmap, std::uint64_t columns) {
  for (std::uint64_t i = 0; i < columns; ++i)
    if ((static_cast<unsigned char>(bitmap[i / 8]) >> (i % 8) & 1) == 0) return false;
  return true;
}

}  // namespace

Result<std::vector<RowChange>> decode_rows(const TableMap& table, RowsKind kind, std::string_view payload) {
  const Error broken{Remedy::reconnect, Code::capture_log_broken, "a row event does not fit its table"};
  if (table.unreadable) return Error{Remedy::set_aside, *table.unreadable, "a table's rows cannot be decoded"};
  Bytes in(payload);
  const std::uint64_t columns = in.packed();
  if (!in.ok() || columns == 0 || columns != table.columns.size()) return broken;
  bool full = true;
  for (int images = kind == RowsKind::updated ? 2 : 1; images > 0; --images) {
    const std::string_view bitmap = in.take((columns + 7) / 8);
    if (!in.ok()) return broken;
    full = full && all_present(bitmap, columns);
  }
  if (!full) return Error{Remedy::set_aside, Code::capture_unsupported_row_image, "a row event leaves out columns"};
  std::vector<RowChange> rows;
  while (in.left() > 0) {
    RowChange& row = rows.emplace_back();
    if (kind != RowsKind::inserted && !decode_row(table, in, row.before)) return broken;
    if (kind != RowsKind::deleted && !decode_row(table, in, row.after)) return broken;
  }
  return rows;
}

}  // namespace omrsync::mysql
