#include "adapters/mysql/connection.h"

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>

namespace omrsync::mysql {

struct Connection::Session {
  std::unique_ptr<sql::Connection> connection;
  unsigned last_error = 0;
};

namespace {

/// Where every exception of the client library ends.
template <typename Work>
auto guarded(unsigned& last_error, bool connecting, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const sql::SQLException& failure) {
    last_error = static_cast<unsigned>(failure.getErrorCode());
    return error_from_number(last_error, failure.getSQLStateCStr(), connecting);
  } catch (const std::exception&) {
    return Error{Remedy::reconnect, Code::db_refused, "the database client library failed"};
  }
}

sql::SQLString to_sql(std::string_view text) { return sql::SQLString(text.data(), text.size()); }

sql::ConnectOptionsMap to_map(const ConnectionOptions& options) {
  sql::ConnectOptionsMap map;
  map["hostName"] = options.socket.empty()
                        ? sql::SQLString("tcp://" + options.host + ":" + std::to_string(options.port))
                        : sql::SQLString("unix://" + options.socket);
  map["userName"] = sql::SQLString(options.user);
  map["password"] = sql::SQLString(options.password);
  if (!options.database.empty()) map["schema"] = sql::SQLString(options.database);
  map["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
  map["OPT_CONNECT_TIMEOUT"] = static_cast<int>(options.connect_timeout.count());
  map["OPT_READ_TIMEOUT"] = static_cast<int>(options.read_timeout.count());
  map["OPT_WRITE_TIMEOUT"] = static_cast<int>(options.read_timeout.count());
  if (!options.tls_ca.empty()) {
    map["sslCA"] = sql::SQLString(options.tls_ca);
    map["sslEnforce"] = true;
    map["sslVerify"] = true;
  }
  return map;
}

std::unique_ptr<sql::Connection> connect(const ConnectionOptions& options) {
  static sql::Driver* const driver = get_driver_instance();  // one for the process, owned by the library
  sql::ConnectOptionsMap map = to_map(options);
  return std::unique_ptr<sql::Connection>(driver->connect(map));
}

void copy_row(const sql::ResultSet& result, Row& row) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto column = static_cast<std::uint32_t>(i + 1);
    if (result.isNull(column))
      row[i].reset();
    else
      row[i] = result.getString(column).asStdString();
  }
}

std::string doubled(std::string_view text, char quote) {
  std::string quoted(1, quote);
  quoted.reserve(text.size() + 2);
  for (const char c : text) {
    if (c == quote) quoted.push_back(quote);
    quoted.push_back(c);
  }
  quoted.push_back(quote);
  return quoted;
}

}  // namespace

Connection::Connection(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(const ConnectionOptions& options) {
  if (!options.tls_server_name.empty() && options.tls_server_name != options.host)
    return Error{Remedy::set_aside, Code::config_invalid, "tls_server_name must be the database's host"};
  auto session = std::make_unique<Session>();
  OMRSYNC_CHECK(guarded(session->last_error, true, [&]() -> Status {
    session->connection = connect(options);
    return Done{};
  }));
  std::unique_ptr<Connection> opened(new Connection(std::move(session)));
  const std::string mode = "SET SESSION sql_mode='" + std::string(kSessionSqlMode) + "', time_zone='+00:00'";
  OMRSYNC_CHECK(opened->execute(mode));
  return opened;
}

Result<std::uint64_t> Connection::execute(std::string_view sql) {
  return guarded(session_->last_error, false, [&]() -> Result<std::uint64_t> {
    const std::unique_ptr<sql::Statement> statement(session_->connection->createStatement());
    if (statement->execute(to_sql(sql))) {
      const std::unique_ptr<sql::ResultSet> dropped(statement->getResultSet());
      return std::uint64_t{0};
    }
    return statement->getUpdateCount();
  });
}

Status Connection::query(std::string_view sql, const RowVisit& visit) {
  bool ended_early = false;
  OMRSYNC_CHECK(guarded(session_->last_error, false, [&]() -> Status {
    const std::unique_ptr<sql::Statement> statement(session_->connection->createStatement());
    statement->setResultSetType(sql::ResultSet::TYPE_FORWARD_ONLY);
    const std::unique_ptr<sql::ResultSet> result(statement->executeQuery(to_sql(sql)));
    Row row(result->getMetaData()->getColumnCount());
    while (!ended_early && result->next()) {
      copy_row(*result, row);
      ended_early = !visit(row);
    }
    return Done{};
  }));
  if (ended_early) return Done{};
  // The library takes an error packet in the middle of a stream for the end of the rows; the server knows better.
  OMRSYNC_TRY(errors, value("SELECT @@error_count"));
  if (errors == "0") return Done{};
  session_->last_error = 1317;
  return error_from_number(1317, "70100");
}

Result<std::vector<Row>> Connection::rows(std::string_view sql) {
  return guarded(session_->last_error, false, [&]() -> Result<std::vector<Row>> {
    const std::unique_ptr<sql::Statement> statement(session_->connection->createStatement());
    const std::unique_ptr<sql::ResultSet> result(statement->executeQuery(to_sql(sql)));
    std::vector<Row> rows;
    Row row(result->getMetaData()->getColumnCount());
    while (result->next()) {
      copy_row(*result, row);
      rows.push_back(row);
    }
    return rows;
  });
}

Result<Cell> Connection::value(std::string_view sql) {
  OMRSYNC_TRY(found, rows(sql));
  if (found.empty() || found[0].empty()) return Cell{};
  return std::move(found[0][0]);
}

Status Connection::begin() {
  OMRSYNC_CHECK(execute("START TRANSACTION"));
  return Done{};
}

Status Connection::begin_snapshot() {
  OMRSYNC_CHECK(execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"));
  OMRSYNC_CHECK(execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"));
  return Done{};
}

Status Connection::commit() {
  auto committed = execute("COMMIT");
  if (committed) return Done{};
  Error error = committed.error();
  if (error.code == Code::db_connection_lost) {
    error.remedy = Remedy::look_first;
    error.code = Code::db_in_doubt;
  }
  return error;
}

Status Connection::rollback() {
  OMRSYNC_CHECK(execute("ROLLBACK"));
  return Done{};
}

unsigned Connection::last_error() const noexcept { return session_->last_error; }

std::string quote_identifier(std::string_view name) { return doubled(name, '`'); }

std::string quote_text(std::string_view text) { return doubled(text, '\''); }

std::string quote_bytes(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string quoted = "X'";
  quoted.reserve(2 * bytes.size() + 3);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    quoted.push_back(kDigits[byte >> 4]);
    quoted.push_back(kDigits[byte & 15]);
  }
  quoted.push_back('\'');
  return quoted;
}

}  // namespace omrsync::mysql
