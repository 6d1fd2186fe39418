#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "adapters/mysql/binlog_reader.h"
#include "adapters/mysql/connection.h"
#include "tests/support/catch.h"
#include "tests/support/private_mariadb.h"

namespace omrsync::tests {

using namespace mysql;

/// One server for the tests of a program; each test has schemas of its own.
inline PrivateMariadb& server() {
  static PrivateMariadb one;
  return one;
}

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(to_string(result.error().code) + ": " + result.error().message);
  return std::move(result).value();
}

inline ConnectionOptions root_of(const PrivateMariadb& of, std::string database = "") {
  ConnectionOptions options;
  options.socket = of.socket();
  options.user = "root";
  options.database = std::move(database);
  return options;
}

inline std::unique_ptr<Connection> connect(std::string database = "", const PrivateMariadb& to = server()) {
  return must(Connection::open(root_of(to, std::move(database))));
}

/// The log's present end. The server may move it by itself, some time after it has opened a file: compare with <= and
/// >=.
inline LogPosition end_of_log(const PrivateMariadb& of = server()) {
  const auto db = connect("", of);
  const auto status = must(db->rows("SHOW MASTER STATUS"));
  return {*status.at(0).at(0), std::stoull(*status.at(0).at(1)),
          must(db->value("SELECT @@gtid_binlog_pos")).value_or(""), 0};
}

inline ReaderOptions reading(std::vector<std::string> schemas, const PrivateMariadb& of = server()) {
  ReaderOptions options;
  options.connection = root_of(of);
  options.schemas = std::move(schemas);
  options.replica_id = 4711;
  options.wait = false;
  return options;
}

/// All events from `from` to the log's present end, without Heartbeat and LogEnd.
inline std::vector<LogEvent> read_all(const ReaderOptions& options, const LogPosition& from) {
  const auto reader = must(BinlogReader::open(options, from));
  std::vector<LogEvent> events;
  for (;;) {
    auto event = must(reader->next(std::chrono::seconds(30)));
    if (!event) throw std::runtime_error("the log did not end");
    if (std::holds_alternative<LogEnd>(*event)) return events;
    if (!std::holds_alternative<Heartbeat>(*event)) events.push_back(std::move(*event));
  }
}

template <typename Event>
std::vector<Event> only(const std::vector<LogEvent>& events) {
  std::vector<Event> found;
  for (const LogEvent& event : events)
    if (const auto* match = std::get_if<Event>(&event)) found.push_back(*match);
  return found;
}

/// "B", "R" rows (of how many), "S" statement, "U" unreadable, "C", "A" rollback, "P" XA prepared, "X" XA decided,
/// "-" rotate.
inline std::string shape(const std::vector<LogEvent>& events) {
  std::string text;
  for (const LogEvent& event : events) {
    if (const auto* rows = std::get_if<Rows>(&event))
      text += "R" + std::to_string(rows->rows.size());
    else
      text.push_back("B?SUCAPXh-e"[event.index()]);
  }
  return text;
}

}  // namespace omrsync::tests
