#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/mysql/row_decoder.h"
#include "adapters/ports/openmrs.h"

/// What the log says, in order. A transaction is Begin, any number of Rows, Statement and Unreadable, then one of
/// Commit, Rollback and XaPrepared; nothing of it need be kept meanwhile. Heartbeat, Rotate and LogEnd stand between
/// transactions.
namespace omrsync::mysql {

using ports::LogPosition;

struct Begin {
  std::string gtid;  ///< "0-1-4711"; MySQL: "uuid:4711"; empty where the server has none
  std::string file;
  std::uint64_t offset = 0;     ///< of its first event
  std::uint32_t server_id = 0;  ///< of the server where it was first committed
  std::uint32_t timestamp = 0;  ///< seconds since 1970, by the server's clock
  std::uint32_t crc = 0;        ///< CRC-32 of its first event without checksum; part of a Fingerprint
};

/// Rows of one table, changed by one statement or a part of it.
struct Rows {
  std::shared_ptr<const TableMap> table;
  RowsKind kind = RowsKind::inserted;
  std::vector<RowChange> rows;
};

struct TableName {
  std::string schema;
  std::string table;
  [[nodiscard]] auto operator<=>(const TableName&) const = default;
};

/// A statement whose effect on rows the log does not show.
struct Statement {
  enum class Kind : std::uint8_t {
    ddl,       ///< tables were made, altered or renamed
    drop,      ///< tables, or a whole schema, were dropped
    truncate,  ///< tables were emptied
    dml,       ///< rows were changed, logged as text
    other,     ///< not understood: may be any of the above
  };
  Kind kind = Kind::other;
  std::string schema;             ///< the session's default database
  std::vector<TableName> tables;  ///< those named; empty: not told apart, any table of the watched schemas
};

/// Rows were changed and cannot be shown: the table is to be compared as a whole. Empty names: any watched table.
struct Unreadable {
  TableName name;
  Code code = Code::capture_log_broken;
};

struct Commit {
  LogPosition position;  ///< its end; gtid: the GTID list to start again from, all domains
  std::string gtid;      ///< as in Begin
  std::uint32_t timestamp = 0;
};

/// The transaction did not commit: its rows are void, except those of tables that know no transactions.
struct Rollback {
  LogPosition position;
};

/// The rows since Begin wait for XaDecided with this xid (XA PREPARE; D16). They are not committed.
struct XaPrepared {
  LogPosition position;
  std::string xid;  ///< opaque
};

/// XA COMMIT or XA ROLLBACK of rows that were shown earlier; stands between a Begin and its Commit.
struct XaDecided {
  std::string xid;
  bool committed = false;
};

struct Heartbeat {
  LogPosition position;
};

/// The log goes on in another file.
struct Rotate {
  LogPosition position;
};

/// Nothing more is there now (only when asked not to wait).
struct LogEnd {
  LogPosition position;
};

using LogEvent = std::variant<Begin, Rows, Statement, Unreadable, Commit, Rollback, XaPrepared, XaDecided, Heartbeat,
                              Rotate, LogEnd>;

/// What a statement in the log does, found from its first words; nothing: it changes no tables (BEGIN, GRANT, CREATE
/// VIEW).
[[nodiscard]] std::optional<Statement> classify_statement(std::string_view sql, std::string_view default_schema);

/// The GTID list of MariaDB: the last one of each domain.
class GtidList {
 public:
  /// "0-1-4711,1-5-3"; false when it is none. Empty is a list.
  bool parse(std::string_view text);
  void advance(std::uint32_t domain, std::uint32_t server, std::uint64_t sequence);
  [[nodiscard]] std::string to_string() const;

 private:
  struct Gtid {
    std::uint32_t domain;
    std::uint32_t server;
    std::uint64_t sequence;
  };
  std::vector<Gtid> last_;  ///< by domain
};

}  // namespace omrsync::mysql
