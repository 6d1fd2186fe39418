#include <algorithm>
#include <charconv>
#include <optional>

#include "adapters/mysql/server_check.h"

namespace omrsync::mysql {
namespace {

constexpr std::uint64_t kMonth = 30ull * 24 * 3600;

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;  // a fraction may follow: expire_logs_days has one
  return value;
}

/// "in [mariadbd]", where the administrator writes a setting.
std::string set_it(std::string_view name, std::string_view value) {
  return "Write " + std::string(name) + " = " + std::string(value) +
         " below [mysqld] in the server's configuration, then restart it.";
}

/// "UTC+03:00".
std::string zone_text(int minutes) {
  const int away = minutes < 0 ? -minutes : minutes;
  const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return "UTC" + std::string(minutes < 0 ? "-" : "+") + two(away / 60) + ":" + two(away % 60);
}

class Judge {
 public:
  Judge(const ServerFacts& facts, const CheckOptions& options) : facts_(facts), options_(options) {}

  std::vector<Finding> all() && {
    version();
    log();
    rows();
    safety();
    filters();
    tables();
    others();
    time_zone();
    privileges();
    std::stable_sort(findings_.begin(), findings_.end(),
                     [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
    return std::move(findings_);
  }

 private:
  void add(std::string check, Severity severity, std::string what, std::string remedy,
           Code code = Code::db_setting_wrong) {
    findings_.push_back(
        {std::move(check), severity, code, std::move(what), severity == Severity::ok ? "" : std::move(remedy)});
  }

  /// Empty when the server has no such variable.
  [[nodiscard]] std::string get(std::string_view name) const {
    const auto found = facts_.variables.find(name);
    return found == facts_.variables.end() ? std::string() : found->second;
  }

  /// The variable must be `wanted`; `harm`: what comes of it otherwise.
  void must_be(std::string_view name, std::string_view wanted, Severity otherwise, std::string_view harm) {
    const std::string is = get(name);
    std::string what = std::string(name) + " is " + (is.empty() ? "not known to this server" : is);
    if (is != wanted) what.append(": ").append(harm);
    add(std::string(name), is == wanted ? Severity::ok : otherwise, what + ".", set_it(name, wanted));
  }

  void version() {
    if (!facts_.mariadb)
      return add("version", Severity::warning,
                 "The server is MySQL " + facts_.version + ": capture from its log is unverified.",
                 "Try it with a copy first, or use MariaDB 10.5 or later.");
    const bool old = facts_.version.starts_with("5.") || facts_.version.starts_with("10.0") ||
                     facts_.version.starts_with("10.1") || facts_.version.starts_with("10.2") ||
                     facts_.version.starts_with("10.3") || facts_.version.starts_with("10.4");
    // "10.11" starts with "10.1" too.
    const bool later = facts_.version.starts_with("10.1") && facts_.version.size() > 4 && facts_.version[4] != '.';
    add("version", old && !later ? Severity::warning : Severity::ok, "The server is MariaDB " + facts_.version + ".",
        "Upgrade to MariaDB 10.5 or later, which can log the names of columns.");
  }

  void log() {
    must_be("log_bin", "ON", Severity::error, "changes are not logged, so they cannot be captured");
    const bool id = number(get("server_id")).value_or(0) != 0;
    add("server_id", id ? Severity::ok : Severity::error, "server_id is " + get("server_id") + ".",
        set_it("server_id", "1"));
    const auto seconds = number(get("binlog_expire_logs_seconds")).value_or(0);
    const auto days = number(get("expire_logs_days")).value_or(0);
    const std::uint64_t kept = seconds != 0 ? seconds : days * 24 * 3600;
    add("binlog_expire_logs_seconds", kept == 0 || kept >= kMonth ? Severity::ok : Severity::warning,
        kept == 0 ? "The log is kept for ever." : "The log is kept for " + std::to_string(kept / 3600) + " hours.",
        set_it("binlog_expire_logs_seconds", std::to_string(kMonth)));
  }

  void rows() {
    must_be("binlog_format", "ROW", Severity::error,
            "some changes are logged as text and must be found by comparing whole tables");
    must_be("binlog_row_image", "FULL", Severity::error,
            "rows are logged in part and must be found by comparing whole tables");
    must_be("binlog_row_metadata", "FULL",
            facts_.variables.contains("binlog_row_metadata") ? Severity::error : Severity::warning,
            "the log has no column names, and changes made while a table is altered may be misread");
    if (get("binlog_transaction_compression") == "ON")
      must_be("binlog_transaction_compression", "OFF", Severity::error,
              "MySQL's compressed transactions cannot be read");
    if (!get("binlog_row_value_options").empty())
      add("binlog_row_value_options", Severity::error, "binlog_row_value_options is set: rows are logged in part.",
          "Remove binlog_row_value_options from the server's configuration, then restart it.");
  }

  void safety() {
    if (facts_.mariadb) must_be("gtid_strict_mode", "ON", Severity::warning, "transactions may be logged out of order");
    must_be("sync_binlog", "1", Severity::warning, "after a power cut the log may lack changes that the tables have");
    must_be("innodb_flush_log_at_trx_commit", "1", Severity::warning,
            "after a power cut the tables may lack changes that the log has");
  }

  [[nodiscard]] static bool lists(std::string_view list, std::string_view name) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      if (list.substr(0, comma) == name) return true;
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
  }

  void filters() {
    for (const std::string& schema : {options_.database, options_.marker_schema}) {
      const bool left_out = (!facts_.logged_schemas.empty() && !lists(facts_.logged_schemas, schema)) ||
                            lists(facts_.ignored_schemas, schema);
      if (left_out)
        add("binlog_filter", Severity::error, "The server does not log changes of " + schema + ".",
            "Remove binlog_do_db and binlog_ignore_db from the server's configuration, then restart it.");
    }
    const bool own = get("log_slave_updates") != "OFF" && get("log_replica_updates") != "OFF";
    const bool hidden = facts_.follows_another && !own;
    add("log_slave_updates", hidden ? Severity::error : Severity::ok,
        hidden ? "The server follows another one and does not log what it takes from there."
               : (facts_.follows_another ? "The server follows another one and logs what it takes from there."
                                         : "The server follows no other."),
        set_it("log_slave_updates", "ON"));
  }

  void tables() {
    if (!facts_.database_exists)
      add("database", Severity::error, "There is no database " + options_.database + ", or the account may not see it.",
          "Correct [openmrs] database, or run the SQL that 'omrsync db grants --print' lists.", Code::db_refused);
    const auto& odd = facts_.tables_without_transactions;
    std::string names;
    for (std::size_t i = 0; i < std::min<std::size_t>(odd.size(), 5); ++i) names += (i == 0 ? "" : ", ") + odd[i];
    if (odd.size() > 5) names += " and " + std::to_string(odd.size() - 5) + " more";
    add("engine", odd.empty() ? Severity::ok : Severity::error,
        odd.empty() ? "All tables are InnoDB." : "Tables without transactions: " + names + ".",
        "ALTER TABLE each of them to ENGINE=InnoDB.");
  }

  void others() {
    if (get("innodb_snapshot_isolation") == "ON")
      add("innodb_snapshot_isolation", Severity::warning,
          "innodb_snapshot_isolation is ON: a clinician's save fails when a row was replicated meanwhile.",
          set_it("innodb_snapshot_isolation", "OFF"));
    if (get("read_only") != "OFF" && !get("read_only").empty() && get("read_only") != "0")
      add("read_only", Severity::error, "The server is read-only: nothing can be applied.",
          "SET GLOBAL read_only = OFF.");
    if (number(get("max_allowed_packet")).value_or(0) < 16ull << 20)
      add("max_allowed_packet", Severity::warning, "max_allowed_packet is below 16 MiB: large rows cannot be applied.",
          set_it("max_allowed_packet", "64M"));
    if (facts_.xa_transactions > 0)
      add("xa", Severity::warning, "XA transactions are used: what is prepared waits for its decision.",
          "Nothing to do if they are always decided; see XA RECOVER.");
    const bool folded = get("lower_case_table_names") != "0" && !get("lower_case_table_names").empty();
    const bool capitals =
        std::any_of(options_.database.begin(), options_.database.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    add("lower_case_table_names", folded && capitals ? Severity::error : Severity::ok,
        "lower_case_table_names is " + get("lower_case_table_names") + ".", "Write [openmrs] database in lower case.");
  }

  /// A hint only: OpenMRS may run in another zone than its database. Nodes exchange wall clocks, so nothing is lost by
  /// it; readers of the FHIR form would see other moments.
  void time_zone() {
    if (!facts_.utc_offset_minutes || !options_.utc_offset_minutes) return;
    const std::string here = zone_text(*facts_.utc_offset_minutes);
    const std::string told = zone_text(*options_.utc_offset_minutes);
    add("time_zone", here == told ? Severity::ok : Severity::warning,
        "The server's clocks stand at " + here + ", [node] timezone is at " + told + ".",
        "Set [node] timezone to the time zone in which OpenMRS runs; if it is that already, there is nothing to do.",
        Code::config_invalid);
  }

  void privilege(std::string_view where, const std::set<std::string, std::less<>>& has,
                 std::initializer_list<std::string_view> wanted, std::string& missing) const {
    for (const std::string_view name : wanted)
      if (!has.contains(name)) missing.append(missing.empty() ? "" : ", ").append(name).append(" on ").append(where);
  }

  void privileges() {
    std::string missing;
    const auto& global = facts_.global_privileges;
    privilege("*.*", global, {"REPLICATION SLAVE"}, missing);
    if (!global.contains("REPLICATION CLIENT")) privilege("*.*", global, {"BINLOG MONITOR"}, missing);
    privilege(options_.database, facts_.database_privileges, {"SELECT", "INSERT", "UPDATE", "DELETE"}, missing);
    privilege(options_.marker_schema, facts_.marker_privileges, {"CREATE", "SELECT", "INSERT", "UPDATE", "DELETE"},
              missing);
    add("privileges", missing.empty() ? Severity::ok : Severity::error,
        missing.empty() ? "The account has what it needs." : "The account lacks " + missing + ".",
        "Run the SQL that 'omrsync db grants --print' lists.", Code::db_privilege_missing);
  }

  const ServerFacts& facts_;
  const CheckOptions& options_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> judge(const ServerFacts& facts, const CheckOptions& options) {
  return Judge(facts, options).all();
}

}  // namespace omrsync::mysql
