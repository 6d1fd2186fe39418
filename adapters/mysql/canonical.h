#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/mysql/cell.h"
#include "protocol/result.h"

/// One value, one text: whether it was read from the log or by SQL, on MariaDB or MySQL, a value of a column is the
/// same bytes. That makes hashes over cells comparable.
///
///   integers            decimal, no leading zeros (ZEROFILL is ignored)
///   FLOAT, DOUBLE       the shortest decimal that reads back as the same number of that width ("1.5", "1e+20", "-0")
///   DECIMAL             all digits of the column's scale, no leading zeros, no minus before zero
///   DATE                YYYY-MM-DD, zero dates included
///   DATETIME, TIMESTAMP YYYY-MM-DD hh:mm:ss, then the fraction without trailing zeros, if any; TIMESTAMP in UTC
///   TIME                [-]hh:mm:ss and the fraction likewise; hours have at least two digits
///   YEAR                four digits
///   BIT, SET            the bits as an unsigned decimal
///   ENUM                the index as a decimal (0: the empty value of a refused text)
///   text                UTF-8; trailing blanks of CHAR are not part of it
///   bytes               as they are; BINARY(n) padded with NUL to n
namespace omrsync::mysql {

enum class ValueKind : std::uint8_t {
  integer,
  real32,
  real64,
  decimal,
  date,
  datetime,
  timestamp,
  time,
  year,
  bits,
  enumeration,
  set,
  text,
  bytes,
  unsupported,  ///< JSON of MySQL, UUID, INET and others whose log form is not their SQL form
};

/// The kind of a column by information_schema.COLUMN_TYPE, such as "int(11) unsigned" or "varchar(255)".
[[nodiscard]] ValueKind kind_of(std::string_view column_type);

/// What to SELECT so that `canonical_from_sql` loses nothing: the quoted column, or an expression over it (the server
/// rounds FLOAT when it prints it, and prints ENUM, SET and BIT in other ways).
[[nodiscard]] std::string select_expression(std::string_view column, ValueKind kind);

/// The canonical form of what the server printed for `select_expression` in a session of mysql::Connection. The text is
/// taken as it is where it is none of its kind.
[[nodiscard]] std::string canonical_from_sql(ValueKind kind, std::string text);
[[nodiscard]] Cell canonical_from_sql(ValueKind kind, Cell cell);

/// Character sets that can be turned into UTF-8 here.
enum class Charset : std::uint8_t { binary, utf8, latin1, ascii, other };

[[nodiscard]] Charset charset_of_collation(std::uint64_t collation_id) noexcept;
[[nodiscard]] Charset charset_by_name(std::string_view name) noexcept;

/// Appends `bytes` as UTF-8. latin1 is the server's: Windows-1252, its five holes as U+0081 and so on. `other` and
/// `binary` are copied.
void append_utf8(std::string& out, std::string_view bytes, Charset charset);

void append_real(std::string& out, double value);
void append_real(std::string& out, float value);
void append_integer(std::string& out, std::int64_t value);
void append_integer(std::string& out, std::uint64_t value);
void append_date(std::string& out, unsigned year, unsigned month, unsigned day);
void append_clock(std::string& out, unsigned hours, unsigned minutes, unsigned seconds, unsigned microseconds);
/// As DATETIME in UTC; 0 without a fraction is the zero date.
void append_timestamp(std::string& out, std::uint64_t seconds, unsigned microseconds);

}  // namespace omrsync::mysql
