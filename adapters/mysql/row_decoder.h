#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/mysql/canonical.h"
#include "adapters/mysql/cell.h"
#include "protocol/result.h"

/// The bodies of TABLE_MAP and row events as values. Pure functions over bytes that may be hostile.
namespace omrsync::mysql {

/// A column as the log writes it. `type` is the protocol's type number with ENUM and SET told apart from CHAR.
struct LogColumn {
  std::string name;
  ValueKind kind = ValueKind::unsupported;
  std::uint8_t type = 0;
  bool is_unsigned = false;
  Charset charset = Charset::binary;
  std::uint32_t width = 0;  ///< by type: bytes of a length prefix or number, bits of BIT, digits of a fraction
  std::uint32_t size = 0;   ///< BINARY(n): n; DECIMAL: all its digits
};

struct TableMap {
  std::uint64_t id = 0;
  std::string schema;
  std::string table;
  std::vector<LogColumn> columns;
  /// Rows of this table cannot be decoded, for this reason: a type or character set that is not supported, or names
  /// that neither the log nor the schema gives.
  std::optional<Code> unreadable;
};

/// What must be known about a column where the log does not say it (binlog_row_metadata other than FULL).
struct KnownColumn {
  std::string name;
  bool is_unsigned = false;
  std::string charset;  ///< CHARACTER_SET_NAME; empty: none
};

/// The columns of a table in the database's order, as they were when the event was written; nothing: not known.
using SchemaLookup =
    std::function<std::optional<std::vector<KnownColumn>>(std::string_view schema, std::string_view table)>;

enum class RowsKind : std::uint8_t { inserted, updated, deleted };

struct RowChange {
  Row before;  ///< empty for `inserted`
  Row after;   ///< empty for `deleted`
};

/// Whose log it is: MariaDB gives YEAR a sign in a table map, MySQL does not.
enum class LogDialect : std::uint8_t { mariadb, mysql };

/// Schema and table only, without the cost of the rest; nothing when the bytes are no table map.
struct TableMapName {
  std::uint64_t id = 0;
  std::string_view schema;
  std::string_view table;
};
[[nodiscard]] std::optional<TableMapName> peek_table_map(std::string_view body);

/// `body`: the event without header and checksum. Fails with capture_log_broken when the bytes are no table map; where
/// only its descriptions of columns are not understood, the table is `unreadable`.
[[nodiscard]] Result<TableMap> parse_table_map(std::string_view body, const SchemaLookup& lookup,
                                               LogDialect dialect = LogDialect::mariadb);

/// `payload`: a row event from the column count on, not compressed. Fails with capture_unsupported_row_image when a
/// column is left out, `table.unreadable`, or capture_log_broken when the bytes do not fit the table.
[[nodiscard]] Result<std::vector<RowChange>> decode_rows(const TableMap& table, RowsKind kind,
                                                         std::string_view payload);

}  // namespace omrsync::mysql
