#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/mysql/binlog_event.h"
#include "adapters/mysql/binlog_reader.h"
#include "adapters/mysql/connection.h"
#include "protocol/result.h"

/// Places in the server's log, and how to know them again. `LogPosition` orders them by file and offset.
namespace omrsync::mysql {

/// The log's present end: everything committed before the call lies before it. `gtid` is the GTID list at some moment
/// near it (on MySQL empty), good for showing, not for starting. Needs BINLOG MONITOR (MySQL: REPLICATION CLIENT).
[[nodiscard]] Result<LogPosition> log_end(Connection& connection);

/// Starts a transaction that sees one moment of the database; where in the log that moment is (without `gtid`). MariaDB
/// only: elsewhere db_refused, and no transaction is open.
[[nodiscard]] Result<LogPosition> begin_snapshot_at(Connection& connection);

/// What identifies a transaction in the log of one life of a server (D25): where it begins, when it was committed, and
/// the checksum of its first event.
struct Fingerprint {
  std::uint32_t server_id = 0;
  std::string file;
  std::uint64_t offset = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t crc = 0;
  [[nodiscard]] bool operator==(const Fingerprint&) const = default;
};

[[nodiscard]] Fingerprint fingerprint_of(const Begin& begin);

/// "1 binlog.000007 4711 1790000000 9f0c33aa", for keeping; and back.
[[nodiscard]] std::string to_string(const Fingerprint& fingerprint);
[[nodiscard]] std::optional<Fingerprint> parse_fingerprint(std::string_view text);

/// Reads the transaction at the fingerprint's place again. Done: it is the same. `set_aside` with
/// capture_position_foreign: something else is there, or the log does not reach it; with capture_log_purged: the file
/// is gone. Other failures are those of BinlogReader::open. Does not disturb a reader with `options.replica_id`.
[[nodiscard]] Status verify_fingerprint(const ReaderOptions& options, const Fingerprint& fingerprint);

}  // namespace omrsync::mysql
