#include "adapters/mysql/server_check.h"

#include <algorithm>
#include <charconv>

namespace omrsync::mysql {
namespace {

constexpr std::string_view kVariables =
    "'log_bin','server_id','binlog_format','binlog_row_image','binlog_row_metadata','gtid_strict_mode','sync_binlog',"
    "'expire_logs_days','binlog_expire_logs_seconds','log_slave_updates','log_replica_updates','lower_case_table_names'"
    ","
    "'innodb_snapshot_isolation','max_allowed_packet','read_only','binlog_transaction_compression',"
    "'binlog_row_value_options','innodb_flush_log_at_trx_commit','version'";

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

Status read_variables(Connection& connection, ServerFacts& facts) {
  OMRSYNC_TRY(rows, connection.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN (" + std::string(kVariables) + ")"));
  for (const Row& row : rows) facts.variables[lower(row[0].value_or(""))] = row[1].value_or("");
  facts.version = facts.variables["version"];
  facts.mariadb = facts.version.find("MariaDB") != std::string::npos;
  return Done{};
}

/// Our own session lives in UTC, so the server's zone is asked for by its name.
Status read_time_zone(Connection& connection, ServerFacts& facts) {
  OMRSYNC_TRY(found, connection.value("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), "
                                      "CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone))"));
  int minutes = 0;
  const std::string text = found.value_or("");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minutes);
  if (error == std::errc{} && end == text.data() + text.size()) facts.utc_offset_minutes = minutes;
  return Done{};
}

Status read_log(Connection& connection, ServerFacts& facts) {
  const auto status = connection.rows("SHOW MASTER STATUS");
  if (!status && status.error().remedy == Remedy::reconnect) return status.error();
  if (status && !status->empty() && status->front().size() >= 4) {
    facts.logged_schemas = status->front()[2].value_or("");
    facts.ignored_schemas = status->front()[3].value_or("");
  }
  OMRSYNC_TRY(states, connection.rows("SHOW GLOBAL STATUS WHERE Variable_name IN "
                                      "('Slave_running','Slaves_running','Replica_running','Com_xa_start')"));
  for (const Row& row : states) {
    const std::string value = row[1].value_or("");
    if (row[0] == "Com_xa_start")
      std::from_chars(value.data(), value.data() + value.size(), facts.xa_transactions);
    else if (value == "ON" || (value != "OFF" && value != "0"))
      facts.follows_another = true;
  }
  if (!facts.mariadb) return Done{};
  OMRSYNC_TRY(followed, connection.value("SELECT @@global.gtid_slave_pos"));
  if (!followed.value_or("").empty()) facts.follows_another = true;
  return Done{};
}

Status read_tables(Connection& connection, const CheckOptions& options, ServerFacts& facts) {
  OMRSYNC_TRY(found, connection.value("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=" +
                                      quote_text(options.database)));
  facts.database_exists = found.value_or("") == "1";
  OMRSYNC_TRY(tables,
              connection.rows("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE='BASE TABLE' AND "
                              "COALESCE(ENGINE,'')<>'InnoDB' AND TABLE_SCHEMA IN (" +
                              quote_text(options.database) + "," + quote_text(options.marker_schema) +
                              ") ORDER BY TABLE_NAME"));
  for (const Row& row : tables) facts.tables_without_transactions.push_back(row[0].value_or(""));
  return Done{};
}

/// "user@host" as information_schema quotes it.
std::string grantee(const std::string& account) {
  const std::size_t at = account.rfind('@');
  if (at == std::string::npos) return quote_text("'" + account + "'@''");
  return quote_text("'" + account.substr(0, at) + "'@'" + account.substr(at + 1) + "'");
}

Status read_privileges(Connection& connection, const CheckOptions& options, ServerFacts& facts) {
  OMRSYNC_TRY(account, connection.value("SELECT CURRENT_USER()"));
  const std::string of_us = " WHERE GRANTEE=" + grantee(account.value_or(""));
  OMRSYNC_TRY(global, connection.rows("SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES" + of_us));
  for (const Row& row : global) facts.global_privileges.insert(row[0].value_or(""));
  const auto of_schema = [&](const std::string& schema, std::set<std::string, std::less<>>& into) -> Status {
    into = facts.global_privileges;
    OMRSYNC_TRY(rows, connection.rows("SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES" + of_us +
                                      " AND " + quote_text(schema) + " LIKE TABLE_SCHEMA ESCAPE '\\'"));
    for (const Row& row : rows) into.insert(row[0].value_or(""));
    return Done{};
  };
  OMRSYNC_CHECK(of_schema(options.database, facts.database_privileges));
  return of_schema(options.marker_schema, facts.marker_privileges);
}

/// A name for GRANT, where _ and % would stand for others.
std::string schema_pattern(std::string_view schema) {
  std::string pattern;
  for (const char c : schema) {
    if (c == '_' || c == '%' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return quote_identifier(pattern) + ".*";
}

std::string literal_with_backslashes(std::string_view text) {
  std::string doubled;
  for (const char c : text) {
    if (c == '\\') doubled.push_back('\\');
    doubled.push_back(c);
  }
  return quote_text(doubled);
}

}  // namespace

Result<ServerFacts> read_facts(Connection& connection, const CheckOptions& options) {
  ServerFacts facts;
  OMRSYNC_CHECK(read_variables(connection, facts));
  OMRSYNC_CHECK(read_time_zone(connection, facts));
  OMRSYNC_CHECK(read_log(connection, facts));
  OMRSYNC_CHECK(read_tables(connection, options, facts));
  OMRSYNC_CHECK(read_privileges(connection, options, facts));
  return facts;
}

Result<std::vector<Finding>> check_server(Connection& connection, const CheckOptions& options) {
  OMRSYNC_TRY(facts, read_facts(connection, options));
  return judge(facts, options);
}

std::vector<std::string> grants(const GrantOptions& options) {
  const std::string account = quote_identifier(options.user) + "@" + quote_identifier(options.host);
  const std::string password = options.password.empty() ? "choose-a-password" : options.password;
  const std::string monitor = options.mariadb ? "BINLOG MONITOR" : "REPLICATION CLIENT";
  return {
      "CREATE USER IF NOT EXISTS " + account + " IDENTIFIED BY " + literal_with_backslashes(password),
      "GRANT REPLICATION SLAVE, " + monitor + " ON *.* TO " + account,
      "GRANT SELECT, INSERT, UPDATE, DELETE ON " + schema_pattern(options.database) + " TO " + account,
      "GRANT ALL PRIVILEGES ON " + schema_pattern(options.marker_schema) + " TO " + account,
  };
}

}  // namespace omrsync::mysql
