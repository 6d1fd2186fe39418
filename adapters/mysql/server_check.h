#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/mysql/connection.h"
#include "protocol/result.h"

/// What the OpenMRS server must be like for capture and apply (D16), and the account that they need.
namespace omrsync::mysql {

struct CheckOptions {
  std::string database;
  std::string marker_schema;
  std::optional<int> utc_offset_minutes{};  ///< of the clocks that OpenMRS writes, now; none: not looked at
};

enum class Severity : std::uint8_t { ok, warning, error };

struct Finding {
  std::string check;  ///< stable, such as "binlog_format"; for a server variable its name
  Severity severity = Severity::ok;
  Code code = Code::db_setting_wrong;  ///< means nothing when ok
  std::string what;                    ///< what is, one sentence
  std::string remedy;                  ///< what to do; empty when ok
};

/// What was asked of the server. Plain data.
struct ServerFacts {
  std::string version;
  bool mariadb = true;
  std::map<std::string, std::string, std::less<>> variables;  ///< global; lower-case names; those that it has
  std::string logged_schemas;                                 ///< binlog_do_db; empty: all
  std::string ignored_schemas;
  bool follows_another = false;       ///< it is, or was, a replica
  std::uint64_t xa_transactions = 0;  ///< begun since it started
  bool database_exists = false;
  std::vector<std::string> tables_without_transactions;
  std::set<std::string, std::less<>> global_privileges;
  std::set<std::string, std::less<>> database_privileges;  ///< the global ones that count there included
  std::set<std::string, std::less<>> marker_privileges;
  std::optional<int> utc_offset_minutes{};  ///< of the server's own wall clock
};

[[nodiscard]] Result<ServerFacts> read_facts(Connection& connection, const CheckOptions& options);

/// One finding a check, errors first, then warnings. Pure.
[[nodiscard]] std::vector<Finding> judge(const ServerFacts& facts, const CheckOptions& options);

/// Both. Repeat as often as wanted: it only reads. A server that does not answer is the Error; all else is a finding.
[[nodiscard]] Result<std::vector<Finding>> check_server(Connection& connection, const CheckOptions& options);

struct GrantOptions {
  std::string user;
  std::string host = "localhost";
  std::string password;  ///< empty: a text that says to choose one
  std::string database;
  std::string marker_schema;
  bool mariadb = true;  ///< BINLOG MONITOR; MySQL calls it REPLICATION CLIENT
};

/// The statements, without `;`, that make the account with the least privileges omrsync can do all its work with. For
/// an administrator's client in the server's usual sql_mode; may be repeated.
[[nodiscard]] std::vector<std::string> grants(const GrantOptions& options);

}  // namespace omrsync::mysql
