#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/mysql/cell.h"
#include "protocol/result.h"

namespace omrsync::mysql {

struct ConnectionOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3306;
  std::string socket;  ///< a path; when set, host and port are not used
  std::string user;
  std::string password;
  std::string database;         ///< may be empty
  std::string tls_ca;           ///< a file; when set, TLS is required, the chain and the name `host` are verified
  std::string tls_server_name;  ///< empty, or the same as `host` (the client library knows no other name)
  std::chrono::seconds connect_timeout{5};
  std::chrono::seconds read_timeout{60};  ///< silence in the middle of an answer for longer counts as a lost connection
};

/// Sees one row; the cells are valid only during the call. Return false to end early (the rest is drained).
using RowVisit = std::function<bool(std::span<const Cell>)>;

/// One session with the server, in utf8mb4, UTC and autocommit, with the sql_mode of `kSessionSqlMode`. Used by one
/// thread at a time. After an Error that says `reconnect` only destruction is allowed.
///
/// Messages of errors carry the server's error number and SQLSTATE, never its text, which may quote a patient's data.
class Connection {
 public:
  /// Failures: `retry_later` with db_unreachable, tls_refused or db_privilege_missing; `set_aside` with config_invalid.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs one statement; the number of rows it changed (a row set to what it was is not counted). A result set that it
  /// returns is dropped.
  Result<std::uint64_t> execute(std::string_view sql);

  /// Streams a result row by row in constant memory; nothing else may run on this connection until it returns. A result
  /// that the server cuts short (KILL QUERY, a time limit) is an Error, never a short answer.
  Status query(std::string_view sql, const RowVisit& visit);

  /// The whole result at once; for small ones.
  Result<std::vector<Row>> rows(std::string_view sql);

  /// The first cell of the first row; nothing when it is NULL or there is no row.
  Result<Cell> value(std::string_view sql);

  Status begin();
  Status begin_snapshot();  ///< START TRANSACTION WITH CONSISTENT SNAPSHOT, in REPEATABLE READ, read only
  /// A connection lost meanwhile is db_in_doubt with `look_first`: it may have been committed.
  Status commit();
  Status rollback();

  /// The server's (or client library's) number of this connection's last failure; 0 when there was none.
  [[nodiscard]] unsigned last_error() const noexcept;

 private:
  struct Session;
  explicit Connection(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

/// STRICT: a value that does not fit is refused, never altered. ALLOW_INVALID_DATES, and no NO_ZERO_DATE: what an old
/// database holds can be written again. NO_AUTO_VALUE_ON_ZERO: 0 is a key like others. NO_BACKSLASH_ESCAPES: in a
/// literal only the quote itself is special, which is what `quote_text` relies on.
inline constexpr std::string_view kSessionSqlMode =
    "STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION";

/// `name` as an identifier: `a``b`.
[[nodiscard]] std::string quote_identifier(std::string_view name);

/// `text` (UTF-8) as a literal: 'It''s'. Right only under kSessionSqlMode.
[[nodiscard]] std::string quote_text(std::string_view text);

/// Any bytes as a literal: X'00FF'.
[[nodiscard]] std::string quote_bytes(std::string_view bytes);

/// The Error for a failure that the server or the client library reports by number. `connecting`: while opening.
[[nodiscard]] Error error_from_number(unsigned number, std::string_view sqlstate, bool connecting = false);

}  // namespace omrsync::mysql
