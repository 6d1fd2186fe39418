#include "adapters/mysql/server_check.h"

#include <algorithm>

#include "adapters/mysql/binlog_position.h"
#include "tests/adapters/mysql/binlog_support.h"

using namespace omrsync;
using namespace omrsync::tests;

namespace {

const CheckOptions kOptions{"open_mrs", "omrsync_open_mrs"};

std::string worst(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings)
    if (finding.severity != Severity::ok)
      text += (finding.severity == Severity::error ? "E:" : "W:") + finding.check + " ";
  return text;
}

const Finding& find(const std::vector<Finding>& findings, const std::string& check) {
  const auto found =
      std::find_if(findings.begin(), findings.end(), [&](const Finding& each) { return each.check == check; });
  if (found == findings.end()) throw std::runtime_error("no finding " + check);
  return *found;
}

ServerFacts good() {
  ServerFacts facts;
  facts.version = "10.11.6-MariaDB-log";
  facts.variables = {{"log_bin", "ON"},
                     {"server_id", "1"},
                     {"binlog_format", "ROW"},
                     {"binlog_row_image", "FULL"},
                     {"binlog_row_metadata", "FULL"},
                     {"gtid_strict_mode", "ON"},
                     {"sync_binlog", "1"},
                     {"binlog_expire_logs_seconds", "2592000"},
                     {"expire_logs_days", "30.000000"},
                     {"log_slave_updates", "OFF"},
                     {"lower_case_table_names", "0"},
                     {"innodb_snapshot_isolation", "OFF"},
                     {"max_allowed_packet", "16777216"},
                     {"read_only", "OFF"},
                     {"innodb_flush_log_at_trx_commit", "1"}};
  facts.database_exists = true;
  facts.global_privileges = {"REPLICATION SLAVE", "BINLOG MONITOR"};
  facts.database_privileges = {"SELECT", "INSERT", "UPDATE", "DELETE"};
  facts.marker_privileges = {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE"};
  return facts;
}

std::string worst_with(const std::string& variable, const std::string& value) {
  ServerFacts facts = good();
  facts.variables[variable] = value;
  const auto findings = judge(facts, kOptions);
  for (const Finding& finding : findings)
    if (finding.severity != Severity::ok) CHECK_FALSE(finding.remedy.empty());
  return worst(findings);
}

}  // namespace

TEST_CASE("a server as capture needs it has nothing to complain of") { CHECK(worst(judge(good(), kOptions)).empty()); }

TEST_CASE("each wrong setting is found, with its remedy") {
  CHECK(worst_with("log_bin", "OFF") == "E:log_bin ");
  CHECK(worst_with("server_id", "0") == "E:server_id ");
  CHECK(worst_with("binlog_format", "MIXED") == "E:binlog_format ");
  CHECK(worst_with("binlog_row_image", "MINIMAL") == "E:binlog_row_image ");
  CHECK(worst_with("binlog_row_metadata", "NO_LOG") == "E:binlog_row_metadata ");
  CHECK(worst_with("gtid_strict_mode", "OFF") == "W:gtid_strict_mode ");
  CHECK(worst_with("sync_binlog", "0") == "W:sync_binlog ");
  CHECK(worst_with("innodb_flush_log_at_trx_commit", "2") == "W:innodb_flush_log_at_trx_commit ");
  CHECK(worst_with("binlog_expire_logs_seconds", "864000") == "W:binlog_expire_logs_seconds ");
  CHECK(worst_with("binlog_expire_logs_seconds", "0") == "");  // then the days count
  CHECK(worst_with("innodb_snapshot_isolation", "ON") == "W:innodb_snapshot_isolation ");
  CHECK(worst_with("max_allowed_packet", "1048576") == "W:max_allowed_packet ");
  CHECK(worst_with("read_only", "ON") == "E:read_only ");
  CHECK(worst_with("binlog_transaction_compression", "ON") == "E:binlog_transaction_compression ");
  CHECK(worst_with("binlog_row_value_options", "PARTIAL_JSON") == "E:binlog_row_value_options ");
}

TEST_CASE("a time zone other than the server's is worth a look") {
  const auto seen = [](int configured, std::optional<int> server) {
    ServerFacts facts = good();
    facts.utc_offset_minutes = server;
    CheckOptions options = kOptions;
    options.utc_offset_minutes = configured;
    return judge(facts, options);
  };
  CHECK(worst(seen(180, 180)).empty());
  CHECK(worst(seen(180, std::nullopt)).empty());
  const auto findings = seen(180, -210);
  CHECK(worst(findings) == "W:time_zone ");
  CHECK(find(findings, "time_zone").code == Code::config_invalid);
  CHECK(find(findings, "time_zone").what == "The server's clocks stand at UTC-03:30, [node] timezone is at UTC+03:00.");
  CHECK_FALSE(find(findings, "time_zone").remedy.empty());
}

TEST_CASE("filters, replicas, engines, XA and privileges are looked at") {
  ServerFacts facts = good();
  facts.logged_schemas = "open_mrs,other";
  CHECK(worst(judge(facts, kOptions)) == "E:binlog_filter ");
  facts.logged_schemas += ",omrsync_open_mrs";
  CHECK(worst(judge(facts, kOptions)).empty());
  facts.ignored_schemas = "x,open_mrs";
  CHECK(worst(judge(facts, kOptions)) == "E:binlog_filter ");
  facts = good();
  facts.follows_another = true;
  CHECK(worst(judge(facts, kOptions)) == "E:log_slave_updates ");
  facts.variables["log_slave_updates"] = "ON";
  CHECK(worst(judge(facts, kOptions)).empty());
  facts.tables_without_transactions = {"a", "b", "c", "d", "e", "f", "g"};
  CHECK(worst(judge(facts, kOptions)) == "E:engine ");
  CHECK(find(judge(facts, kOptions), "engine").what == "Tables without transactions: a, b, c, d, e and 2 more.");
  facts = good();
  facts.xa_transactions = 1;
  CHECK(worst(judge(facts, kOptions)) == "W:xa ");
  facts = good();
  facts.global_privileges.erase("BINLOG MONITOR");
  facts.marker_privileges.erase("CREATE");
  const auto findings = judge(facts, kOptions);
  CHECK(findings[0].what == "The account lacks BINLOG MONITOR on *.*, CREATE on omrsync_open_mrs.");
  CHECK(findings[0].code == Code::db_privilege_missing);
  facts = good();
  facts.database_exists = false;
  CHECK(worst(judge(facts, kOptions)) == "E:database ");
}

TEST_CASE("versions are told apart") {
  for (const auto& [version, expected] : std::map<std::string, std::string>{{"10.11.6-MariaDB", ""},
                                                                            {"10.5.1-MariaDB", ""},
                                                                            {"11.4.2-MariaDB", ""},
                                                                            {"10.4.30-MariaDB", "W:version "},
                                                                            {"10.1.48-MariaDB", "W:version "},
                                                                            {"5.5.68-MariaDB", "W:version "},
                                                                            {"10.10.2-MariaDB", ""}}) {
    ServerFacts facts = good();
    facts.version = version;
    CHECK(worst(judge(facts, kOptions)) == expected);
  }
  ServerFacts facts = good();
  facts.version = "8.0.36";
  facts.mariadb = false;
  CHECK(worst(judge(facts, kOptions)) == "W:version ");
}

TEST_CASE("a real server is read as it is") {
  PrivateMariadb own;
  own.sql("CREATE OR REPLACE DATABASE open_mrs; CREATE TABLE open_mrs.t(id INT) ENGINE=InnoDB");
  const auto db = connect("", own);
  CHECK(worst(must(check_server(*db, kOptions))) == "W:sync_binlog W:innodb_flush_log_at_trx_commit ");
  own.sql(
      "CREATE TABLE open_mrs.m(id INT) ENGINE=MyISAM; SET GLOBAL binlog_format=MIXED, GLOBAL "
      "innodb_snapshot_isolation=ON;"
      "XA START 'a'; XA END 'a'; XA ROLLBACK 'a'");
  CHECK(worst(must(check_server(*db, kOptions))) ==
        "E:binlog_format E:engine W:sync_binlog W:innodb_flush_log_at_trx_commit "
        "W:innodb_snapshot_isolation W:xa ");
  own.sql(
      "SET GLOBAL binlog_format=ROW, GLOBAL innodb_snapshot_isolation=OFF; DROP TABLE open_mrs.m;"
      "SET GLOBAL time_zone='-03:30'");
  CHECK(must(read_facts(*db, kOptions)).utc_offset_minutes == -210);

  PrivateMariadb other(
      {{"--binlog-ignore-db=open_mrs", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1"}, false});
  other.sql("CREATE DATABASE open_mrs; SET GLOBAL gtid_slave_pos='0-9-1'");
  CHECK(worst(must(check_server(*connect("", other), kOptions))) == "E:binlog_filter E:log_slave_updates ");
}

TEST_CASE("everything runs with the account of least privileges, and that one can do no more") {
  server().sql(
      "CREATE OR REPLACE DATABASE open_mrs; CREATE TABLE open_mrs.t(id INT PRIMARY KEY) ENGINE=InnoDB;"
      "CREATE OR REPLACE DATABASE openxmrs; CREATE TABLE openxmrs.t(id INT)");
  GrantOptions account{"om'r`s", "localhost", "p\\'w", "open_mrs", "omrsync_open_mrs", true};
  std::string statements;
  for (const std::string& statement : grants(account)) statements += statement + ";\n";
  server().sql(statements + statements);

  ReaderOptions options = reading({"open_mrs", "omrsync_open_mrs"});
  options.connection.user = account.user;
  options.connection.password = account.password;
  const auto db = must(Connection::open(options.connection));
  CHECK(worst(must(check_server(*db, kOptions))).find("privileges") == std::string::npos);
  must(db->execute("CREATE DATABASE IF NOT EXISTS omrsync_open_mrs"));
  must(db->execute("CREATE TABLE omrsync_open_mrs.marker(id INT PRIMARY KEY) ENGINE=InnoDB"));
  const LogPosition from = must(log_end(*db));
  must(db->begin());
  must(db->execute("INSERT INTO omrsync_open_mrs.marker VALUES(1)"));
  must(db->execute("INSERT INTO open_mrs.t VALUES(1)"));
  must(db->execute("UPDATE open_mrs.t SET id=2"));
  must(db->execute("DELETE FROM open_mrs.t"));
  must(db->commit());
  CHECK(must(begin_snapshot_at(*db)) <= must(log_end(*db)));
  must(db->rollback());
  const auto events = read_all(options, from);
  CHECK(shape(events) == "BR1R1R1R1C");
  CHECK(only<Rows>(read_all(options, {"", 0, from.gtid, 0})).size() == 4);
  CHECK_FALSE(read_all(options, {}).empty());
  CHECK(verify_fingerprint(options, fingerprint_of(only<Begin>(events)[0])));

  for (const char* forbidden : {"SELECT * FROM openxmrs.t", "SELECT * FROM mysql.user", "DROP TABLE open_mrs.t",
                                "CREATE TABLE open_mrs.x(id INT)", "SET GLOBAL binlog_format=MIXED"}) {
    INFO(forbidden);
    CHECK(db->rows(forbidden).error().code == Code::db_privilege_missing);
  }
  must(db->execute("DROP DATABASE omrsync_open_mrs"));
}

TEST_CASE("an account without the privileges is told which it lacks, by the check and by the reader") {
  server().sql(
      "CREATE OR REPLACE DATABASE open_mrs; CREATE OR REPLACE USER poor@localhost; GRANT SELECT ON open_mrs.* TO "
      "poor@localhost");
  ReaderOptions options = reading({"open_mrs"});
  options.connection.user = "poor";
  const auto db = must(Connection::open(options.connection));
  const Finding finding = find(must(check_server(*db, kOptions)), "privileges");
  CHECK(finding.severity == Severity::error);
  CHECK(finding.what.find("REPLICATION SLAVE on *.*, BINLOG MONITOR on *.*, INSERT on open_mrs") != std::string::npos);
  const auto reader = must(BinlogReader::open(options, {"binlog.000001", 4, "", 0}));
  const auto event = reader->next(std::chrono::seconds(20));
  REQUIRE_FALSE(event);
  CHECK(event.error().code == Code::db_privilege_missing);
}
