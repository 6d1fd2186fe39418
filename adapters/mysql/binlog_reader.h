#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/mysql/binlog_event.h"
#include "adapters/mysql/connection.h"
#include "protocol/result.h"

namespace omrsync::mysql {

struct ReaderOptions {
  ConnectionOptions connection;
  std::vector<std::string> schemas;  ///< only these are decoded
  SchemaLookup lookup;               ///< used where the server does not log names; called by the reading thread
  std::uint32_t replica_id = 0;      ///< unlike every server_id and every other reader of this server; not 0
  bool wait = true;                  ///< false: LogEnd at the log's present end, then nothing more
  std::chrono::milliseconds heartbeat{1000};
  std::chrono::milliseconds silence{10000};  ///< no event and no heartbeat for as long: the connection is lost
};

/// The server's log of committed transactions, as a stream that holds one event at a time. Used by one thread.
///
/// After a failure only destruction is allowed; to go on, open again at the last stored position:
/// - `reconnect`, db_connection_lost: the line broke; at once or after a pause.
/// - `retry_later`, db_unreachable, tls_refused, db_privilege_missing: the server is away or refuses us.
/// - `set_aside`, capture_log_purged: the position is older than the oldest log; the tables are to be compared.
/// - `set_aside`, capture_position_foreign: the server does not know the position (restored, copied, or logs reset).
/// - `reconnect`, capture_log_broken: bytes that are no log; if it repeats at the same place, the log is damaged.
class BinlogReader {
 public:
  /// Starts after `from`: by `file` and `offset` where given, else by the GTID list `gtid`, else at the oldest log that
  /// the server has. With a file, `gtid` is only carried on (as the state at that place). MariaDB starts by GTID or
  /// file; MySQL by file only.
  [[nodiscard]] static Result<std::unique_ptr<BinlogReader>> open(const ReaderOptions& options,
                                                                  const LogPosition& from);
  ~BinlogReader();
  BinlogReader(const BinlogReader&) = delete;
  BinlogReader& operator=(const BinlogReader&) = delete;

  /// The next event; nothing when none came within `patience`. An event that has begun to arrive is waited for.
  Result<std::optional<LogEvent>> next(std::chrono::milliseconds patience);

  /// Everything before is read; where to start again. Moves through idle stretches and other schemas' transactions too,
  /// but never into the middle of a transaction.
  [[nodiscard]] const LogPosition& read_through() const noexcept;

 private:
  struct State;
  explicit BinlogReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace omrsync::mysql
