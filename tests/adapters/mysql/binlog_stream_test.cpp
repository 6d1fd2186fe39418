#include <thread>

#include "adapters/mysql/binlog_position.h"
#include "tests/adapters/mysql/binlog_support.h"

using namespace omrsync;
using namespace omrsync::tests;

namespace {

void fresh(const std::string& schema, const std::string& tables) {
  server().sql("CREATE OR REPLACE DATABASE " + schema + "; USE " + schema + "; " + tables);
}

std::string tables_of(const Statement& statement) {
  std::string text;
  for (const TableName& name : statement.tables) text += (text.empty() ? "" : ",") + name.schema + "." + name.table;
  return text;
}

/// Removes all logs but the last; the server keeps those that it, or a reader that has just left, still needs.
void purge_logs(const PrivateMariadb& own) {
  const std::string last = end_of_log(own).file;
  for (int tries = 0; tries < 500; ++tries) {
    own.sql("PURGE BINARY LOGS TO '" + last + "'");
    if (*must(connect("", own)->value("SHOW BINARY LOGS")) == last) return;
  }
  throw std::runtime_error("the logs cannot be purged");
}

/// The next event that is not a heartbeat.
LogEvent await(BinlogReader& reader) {
  for (int tries = 0; tries < 300; ++tries) {
    auto event = must(reader.next(std::chrono::milliseconds(100)));
    if (event && !std::holds_alternative<Heartbeat>(*event)) return std::move(*event);
  }
  throw std::runtime_error("nothing came");
}

}  // namespace

TEST_CASE("a transaction stands between its begin and its commit") {
  fresh("brackets", "CREATE TABLE t(id INT PRIMARY KEY, v INT); CREATE TABLE u(id INT PRIMARY KEY)");
  const LogPosition from = end_of_log();
  server().sql(
      "BEGIN; INSERT INTO t VALUES(1,1),(2,2); INSERT INTO u VALUES(1); UPDATE t SET v=3 WHERE id=1; COMMIT;"
      "INSERT INTO u VALUES(2)",
      "brackets");
  const LogPosition end = end_of_log();
  const auto events = read_all(reading({"brackets"}), from);
  REQUIRE(shape(events) == "BR2R1R1CBR1C");
  const Begin first = only<Begin>(events)[0];
  const Commit committed = only<Commit>(events)[0];
  CHECK(first.gtid == committed.gtid);
  CHECK(first.file == from.file);
  CHECK(first.offset >= from.offset);
  CHECK(first.server_id == 1);
  CHECK(first.timestamp > 1'700'000'000);
  CHECK(only<Begin>(events)[1].offset >= committed.position.offset);
  CHECK(only<Commit>(events)[1].position <= end);
  CHECK(only<Commit>(events)[1].position > committed.position);
  CHECK(only<Commit>(events)[1].position.gtid == end.gtid);
  const auto rows = only<Rows>(events);
  CHECK(rows[0].kind == RowsKind::inserted);
  CHECK(rows[1].table->table == "u");
  CHECK(rows[2].kind == RowsKind::updated);
  CHECK(rows[2].rows[0].before == mysql::Row{"1", "1"});
  CHECK(rows[2].rows[0].after == mysql::Row{"1", "3"});
}

TEST_CASE("what was rolled back is not in the log, and other schemas are passed over") {
  fresh("ours", "CREATE TABLE t(id INT PRIMARY KEY) ENGINE=InnoDB");
  fresh("others", "CREATE TABLE t(id INT PRIMARY KEY) ENGINE=InnoDB");
  const LogPosition from = end_of_log();
  server().sql(
      "BEGIN; INSERT INTO ours.t VALUES(1); ROLLBACK; INSERT INTO others.t VALUES(7);"
      "BEGIN; INSERT INTO others.t VALUES(8); INSERT INTO ours.t VALUES(2); COMMIT");
  const auto events = read_all(reading({"ours"}), from);
  CHECK(shape(events) == "BCBR1C");
  CHECK(only<Rows>(events)[0].table->schema == "ours");
}

TEST_CASE("reading starts behind a GTID, with one domain or several") {
  fresh("gtids", "CREATE TABLE t(id INT PRIMARY KEY)");
  server().sql("INSERT INTO t VALUES(1)", "gtids");
  const LogPosition one = end_of_log();
  server().sql("INSERT INTO t VALUES(2)", "gtids");
  auto events = read_all(reading({"gtids"}), {"", 0, one.gtid, 0});
  REQUIRE(shape(events) == "BR1C");
  CHECK(only<Rows>(events)[0].rows[0].after == mysql::Row{"2"});

  PrivateMariadb other;
  other.sql("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY); SET gtid_domain_id=7; INSERT INTO d.t VALUES(1)");
  const LogPosition two = end_of_log(other);
  CHECK(two.gtid.find(",7-1-1") != std::string::npos);
  other.sql("INSERT INTO d.t VALUES(2); SET gtid_domain_id=7; INSERT INTO d.t VALUES(3)");
  events = read_all(reading({"d"}, other), {"", 0, two.gtid, 0});
  REQUIRE(shape(events) == "BR1CBR1C");
  CHECK(only<Commit>(events)[1].position.gtid == end_of_log(other).gtid);
  // By file and offset the list is carried on.
  events = read_all(reading({"d"}, other), two);
  CHECK(shape(events) == "BR1CBR1C");
  CHECK(only<Commit>(events)[1].position.gtid == end_of_log(other).gtid);
  // From the oldest log: everything.
  events = read_all(reading({"d"}, other), {});
  CHECK(only<Rows>(events).size() == 3);
  CHECK(only<Commit>(events).back().position.gtid == end_of_log(other).gtid);
}

TEST_CASE("the log goes on in the next file, and after a restart and a power cut of the server") {
  PrivateMariadb own({{}, true});
  own.sql("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY) ENGINE=InnoDB");
  const LogPosition from = end_of_log(own);
  own.sql("INSERT INTO d.t VALUES(1); FLUSH BINARY LOGS; INSERT INTO d.t VALUES(2)");
  own.restart();
  own.sql("INSERT INTO d.t VALUES(3)");
  own.kill9();
  own.restart();
  own.sql("INSERT INTO d.t VALUES(4)");
  const auto events = read_all(reading({"d"}, own), from);
  CHECK(shape(events) == "BR1C-BR1C-BR1C-BR1C");
  const auto end = end_of_log(own);
  CHECK(only<Commit>(events).back().position.file == end.file);
  CHECK(only<Commit>(events).back().position.gtid == end.gtid);
  CHECK(only<Rotate>(events).back().position.file == end.file);
}

TEST_CASE("a log that is gone is told from a log of another life") {
  PrivateMariadb own;
  own.sql("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY)");
  const LogPosition old = end_of_log(own);
  own.sql("INSERT INTO d.t VALUES(1); FLUSH BINARY LOGS; INSERT INTO d.t VALUES(2); FLUSH BINARY LOGS");
  purge_logs(own);
  const auto code_at = [&](const LogPosition& position) {
    const auto reader = must(BinlogReader::open(reading({"d"}, own), position));
    const auto event = reader->next(std::chrono::seconds(20));
    REQUIRE_FALSE(event);
    CHECK(event.error().remedy == Remedy::set_aside);
    return event.error().code;
  };
  CHECK(code_at({old.file, old.offset, "", 0}) == Code::capture_log_purged);
  CHECK(code_at({"", 0, old.gtid, 0}) == Code::capture_log_purged);
  CHECK(code_at({"", 0, "0-1-4711", 0}) == Code::capture_position_foreign);
  CHECK(code_at({end_of_log(own).file, 1'000'000, "", 0}) == Code::capture_position_foreign);
}

TEST_CASE("changes that the log does not show row by row are reported with their tables") {
  fresh("text",
        "CREATE TABLE t(id INT PRIMARY KEY, v INT); CREATE TABLE u(id INT PRIMARY KEY); INSERT INTO t VALUES(1,1)");
  const LogPosition from = end_of_log();
  server().sql(
      "SET binlog_format=STATEMENT; UPDATE t SET v=2; BEGIN; DELETE FROM text.u; INSERT INTO t VALUES(2,2); COMMIT;"
      "SET binlog_format=ROW; TRUNCATE u; ALTER TABLE t ADD w INT, RENAME TO t2; DROP TABLE u;"
      "CREATE VIEW x AS SELECT 1; CREATE TABLE copy AS SELECT 1 AS one",
      "text");
  const auto events = read_all(reading({"text"}), from);
  CHECK(shape(events) == "BSCBSSCBSCBSCBSCBCBSR1C");
  const auto statements = only<Statement>(events);
  CHECK(statements[0].kind == Statement::Kind::dml);
  CHECK(tables_of(statements[0]) == "text.t");
  CHECK(tables_of(statements[1]) == "text.u");
  CHECK(statements[3].kind == Statement::Kind::truncate);
  CHECK(tables_of(statements[3]) == "text.u");
  CHECK(statements[4].kind == Statement::Kind::ddl);
  CHECK(tables_of(statements[4]) == "text.t,text.t2");
  CHECK(tables_of(statements[5]) == "text.u");
  CHECK(tables_of(statements[6]) == "text.copy");
  CHECK(shape(read_all(reading({"other"}), from)) == "BCBCBCBCBCBCBC");
}

TEST_CASE("a row that does not carry all columns is reported, and the rest goes on") {
  fresh("image", "CREATE TABLE t(id INT PRIMARY KEY, v INT, w VARCHAR(9)); INSERT INTO t VALUES(1,1,'a')");
  const LogPosition from = end_of_log();
  for (const std::string image : {"MINIMAL", "NOBLOB"})
    server().sql("SET binlog_row_image=" + image + "; UPDATE t SET v=v+1; SET binlog_row_image=FULL; UPDATE t SET v=0",
                 "image");
  const auto events = read_all(reading({"image"}), from);
  // NOBLOB leaves out only blobs: this table has none, but MINIMAL leaves out more.
  CHECK(shape(events) == "BUCBR1CBR1CBR1C");
  CHECK(only<Unreadable>(events)[0].code == Code::capture_unsupported_row_image);
  CHECK(only<Unreadable>(events)[0].name == TableName{"image", "t"});
}

TEST_CASE("a table with a column that cannot be read is reported, others go on") {
  fresh("odd",
        "CREATE TABLE t(id INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET cp1251); CREATE TABLE u(id INT);"
        "CREATE TABLE z(v VARCHAR(100) COMPRESSED)");
  const LogPosition from = end_of_log();
  server().sql("BEGIN; INSERT INTO t VALUES(1,'a'); INSERT INTO z VALUES('a'); INSERT INTO u VALUES(1); COMMIT", "odd");
  const auto events = read_all(reading({"odd"}), from);
  CHECK(shape(events) == "BUUR1C");
  CHECK(only<Unreadable>(events)[0].name.table == "t");
}

TEST_CASE("a row of many megabytes comes whole") {
  fresh("large", "CREATE TABLE t(id INT PRIMARY KEY, v LONGBLOB, w LONGTEXT)");
  const LogPosition from = end_of_log();
  server().sql(
      "INSERT INTO t VALUES(1, REPEAT(X'00FF', 10000000), REPEAT('é', 3000000)); INSERT INTO t VALUES(2,'','')",
      "large");
  const auto rows = only<Rows>(read_all(reading({"large"}), from));
  REQUIRE(rows.size() == 2);
  const mysql::Row& row = rows[0].rows[0].after;
  REQUIRE(row[1]->size() == 20'000'000);
  CHECK(row[1]->substr(19'999'998) == std::string("\0\xFF", 2));
  CHECK(row[2]->size() == 6'000'000);
}

TEST_CASE("many rows come in pieces") {
  fresh("many", "CREATE TABLE t(id INT PRIMARY KEY, v CHAR(38))");
  const LogPosition from = end_of_log();
  server().sql("INSERT INTO t SELECT seq, UUID() FROM seq_1_to_50000", "many");
  const auto events = read_all(reading({"many"}), from);
  CHECK(only<Commit>(events).size() == 1);
  std::size_t rows = 0, largest = 0;
  for (const Rows& piece : only<Rows>(events)) {
    rows += piece.rows.size();
    largest = std::max(largest, piece.rows.size());
  }
  CHECK(rows == 50000);
  CHECK(largest < 1000);
}

TEST_CASE("a compressed log says the same") {
  PrivateMariadb own({{"--log-bin-compress=ON", "--log-bin-compress-min-len=10"}, false});
  own.sql("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY, v TEXT)");
  const LogPosition from = end_of_log(own);
  own.sql(
      "INSERT INTO t SELECT seq, REPEAT('x', seq) FROM seq_1_to_300; UPDATE t SET v=CONCAT(v,'y'); DELETE FROM t;"
      "ALTER TABLE t ADD COLUMN a_rather_long_name_that_compresses_a_a_a_a_a_a_a_a_a INT",
      "d");
  const auto events = read_all(reading({"d"}, own), from);
  std::map<RowsKind, std::size_t> counts;
  for (const Rows& rows : only<Rows>(events)) counts[rows.kind] += rows.rows.size();
  CHECK(counts ==
        std::map<RowsKind, std::size_t>{{RowsKind::inserted, 300}, {RowsKind::updated, 300}, {RowsKind::deleted, 300}});
  CHECK(only<Unreadable>(events).empty());
  REQUIRE(only<Statement>(events).size() == 1);
  CHECK(tables_of(only<Statement>(events)[0]) == "d.t");
  const auto last = only<Rows>(events).back();
  CHECK(last.rows.back().before[1]->back() == 'y');
}

TEST_CASE("a log without checksums says the same") {
  PrivateMariadb own({{"--binlog-checksum=NONE"}, false});
  own.sql("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY)");
  const LogPosition from = end_of_log(own);
  own.sql("INSERT INTO d.t VALUES(1)");
  const auto events = read_all(reading({"d"}, own), from);
  REQUIRE(shape(events) == "BR1C");
  CHECK(only<Begin>(events)[0].offset >= from.offset);
  CHECK(only<Commit>(events)[0].position <= end_of_log(own));
  CHECK(verify_fingerprint(reading({"d"}, own), fingerprint_of(only<Begin>(events)[0])));
}

TEST_CASE("a prepared XA transaction waits for its decision") {
  fresh("xa", "CREATE TABLE t(id INT PRIMARY KEY) ENGINE=InnoDB");
  const LogPosition from = end_of_log();
  server().sql(
      "XA START 'a','b',3; INSERT INTO t VALUES(1); XA END 'a','b',3; XA PREPARE 'a','b',3; XA COMMIT 'a','b',3;"
      "XA START 'c'; INSERT INTO t VALUES(2); XA END 'c'; XA PREPARE 'c'; XA ROLLBACK 'c';"
      "XA START 'd'; INSERT INTO t VALUES(3); XA END 'd'; XA COMMIT 'd' ONE PHASE",
      "xa");
  const auto events = read_all(reading({"xa"}), from);
  CHECK(shape(events) == "BR1PBXCBR1PBXCBR1C");
  CHECK(only<XaPrepared>(events)[0].xid == only<XaDecided>(events)[0].xid);
  CHECK(only<XaPrepared>(events)[0].xid != only<XaPrepared>(events)[1].xid);
  CHECK(only<XaDecided>(events)[0].committed);
  CHECK_FALSE(only<XaDecided>(events)[1].committed);
}

TEST_CASE("changes of a table without transactions end in a commit, or in a rollback that did not undo them") {
  fresh("aria", "CREATE TABLE t(id INT PRIMARY KEY) ENGINE=MyISAM; CREATE TABLE u(id INT PRIMARY KEY) ENGINE=InnoDB");
  const LogPosition from = end_of_log();
  server().sql("INSERT INTO t VALUES(1)", "aria");
  server().sql(
      "SET binlog_direct_non_transactional_updates=OFF, binlog_format=STATEMENT;"
      "BEGIN; INSERT INTO u VALUES(1); INSERT INTO t SELECT id+10 FROM u; ROLLBACK",
      "aria");
  const auto events = read_all(reading({"aria"}), from);
  CHECK(shape(events) == "BR1CBSSA");
  CHECK(only<Rollback>(events)[0].position <= end_of_log());
}

TEST_CASE("a waiting reader gets what is committed while it waits, and can be asked to stop at any time") {
  fresh("live", "CREATE TABLE t(id INT PRIMARY KEY)");
  ReaderOptions options = reading({"live"});
  options.wait = true;
  options.heartbeat = std::chrono::milliseconds(200);
  const LogPosition from = end_of_log();
  const auto reader = must(BinlogReader::open(options, from));
  // Nothing to read: it comes back by itself, so that its thread can look whether to stop.
  int heartbeats = 0;
  for (int i = 0; i < 600 && heartbeats < 2; ++i) {
    const auto event = must(reader->next(std::chrono::milliseconds(50)));
    if (event) {
      REQUIRE(std::holds_alternative<Heartbeat>(*event));
      CHECK(std::get<Heartbeat>(*event).position >= from);
      ++heartbeats;
    }
  }
  CHECK(heartbeats == 2);
  server().sql("INSERT INTO live.t VALUES(1)");
  CHECK(std::holds_alternative<Begin>(await(*reader)));
  CHECK(std::holds_alternative<Rows>(await(*reader)));
  const LogPosition before_commit = reader->read_through();
  const LogEvent commit = await(*reader);
  REQUIRE(std::holds_alternative<Commit>(commit));
  CHECK(before_commit < std::get<Commit>(commit).position);  // not yet at the end of the transaction
  CHECK(reader->read_through() == std::get<Commit>(commit).position);
  server().sql("FLUSH BINARY LOGS");
  CHECK(std::holds_alternative<Rotate>(await(*reader)));
  // The server writes into the new file without a transaction: that is passed over, and counts.
  const LogPosition end = end_of_log();
  for (int i = 0; i < 300 && reader->read_through() < end; ++i) must(reader->next(std::chrono::milliseconds(100)));
  CHECK(reader->read_through() >= end);
}

TEST_CASE("others' transactions do not keep a reader from stopping, and move it on") {
  fresh("mine", "CREATE TABLE t(id INT)");
  fresh("busy", "CREATE TABLE t(id INT)");
  ReaderOptions options = reading({"mine"});
  options.wait = true;
  const auto reader = must(BinlogReader::open(options, end_of_log()));
  server().sql("INSERT INTO busy.t SELECT seq FROM seq_1_to_1000", "busy");
  CHECK(std::holds_alternative<Begin>(await(*reader)));
  const LogEvent commit = await(*reader);
  REQUIRE(std::holds_alternative<Commit>(commit));
  CHECK(reader->read_through() == std::get<Commit>(commit).position);
}

TEST_CASE("of two readers with one replica id the older is told that it was replaced") {
  ReaderOptions options = reading({"none"});
  options.wait = true;
  const auto older = must(BinlogReader::open(options, end_of_log()));
  must(older->next(std::chrono::milliseconds(500)));
  const auto newer = must(BinlogReader::open(options, end_of_log()));
  Result<std::optional<LogEvent>> event = std::optional<LogEvent>{};
  for (int i = 0; i < 100 && event; ++i) event = older->next(std::chrono::milliseconds(200));
  REQUIRE_FALSE(event);
  CHECK(event.error().remedy == Remedy::retry_later);
  CHECK(event.error().message.find("4052") != std::string::npos);
  CHECK(newer->next(std::chrono::milliseconds(100)));
}

TEST_CASE("a server that goes away is a lost connection; the next open says that it is away") {
  PrivateMariadb own;
  ReaderOptions options = reading({"d"}, own);
  options.wait = true;
  const auto reader = must(BinlogReader::open(options, {}));
  for (int i = 0; i < 50; ++i) {
    const auto event = must(reader->next(std::chrono::milliseconds(100)));
    if (event && std::holds_alternative<Heartbeat>(*event)) break;
  }
  own.kill9();
  Result<std::optional<LogEvent>> event = std::optional<LogEvent>{};
  for (int i = 0; i < 50 && event; ++i) event = reader->next(std::chrono::milliseconds(100));
  REQUIRE_FALSE(event);
  CHECK(event.error().remedy == Remedy::reconnect);
  const auto away = BinlogReader::open(options, {"binlog.000001", 4, "", 0});
  REQUIRE_FALSE(away);
  CHECK(away.error().code == Code::db_unreachable);
}

TEST_CASE("a snapshot knows its place in the log") {
  fresh("snapshot", "CREATE TABLE t(id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO t VALUES(1)");
  const auto db = connect("snapshot");
  const LogPosition end = end_of_log();
  const LogPosition position = must(begin_snapshot_at(*db));
  CHECK(position >= end);
  CHECK(position <= end_of_log());
  server().sql("INSERT INTO snapshot.t VALUES(2)");
  CHECK(*must(db->value("SELECT COUNT(*) FROM t")) == "1");
  must(db->rollback());
  const LogPosition now = must(log_end(*db));
  CHECK(now <= end_of_log());
  CHECK(now > position);
  CHECK(now.gtid == end_of_log().gtid);
}

TEST_CASE("positions are ordered by the number of the file, then by offset") {
  CHECK(LogPosition{"binlog.000009", 900, "", 0} < LogPosition{"binlog.000010", 4, "", 0});
  CHECK(LogPosition{"binlog.999999", 900, "", 0} < LogPosition{"binlog.1000000", 4, "", 0});
  CHECK(LogPosition{"binlog.000010", 4, "", 0} < LogPosition{"binlog.000010", 5, "", 0});
}

TEST_CASE("a transaction is known again by its fingerprint, and another one in its place is not taken for it") {
  PrivateMariadb own;
  own.sql("CREATE DATABASE d; CREATE TABLE d.t(id INT PRIMARY KEY)");
  const LogPosition from = end_of_log(own);
  own.sql("INSERT INTO d.t VALUES(1); INSERT INTO d.t VALUES(2)");
  const auto begins = only<Begin>(read_all(reading({"d"}, own), from));
  const Fingerprint first = fingerprint_of(begins[0]);
  CHECK(parse_fingerprint(to_string(first)) == first);
  CHECK(verify_fingerprint(reading({"d"}, own), first));
  CHECK(verify_fingerprint(reading({"d"}, own), fingerprint_of(begins[1])));

  const auto code = [&](Fingerprint fingerprint) {
    const auto status = verify_fingerprint(reading({"d"}, own), fingerprint);
    REQUIRE_FALSE(status);
    CHECK(status.error().remedy == Remedy::set_aside);
    return status.error().code;
  };
  for (int field = 0; field < 3; ++field) {
    Fingerprint wrong = first;
    if (field == 0) wrong.crc ^= 1;
    if (field == 1) wrong.timestamp += 1;
    if (field == 2) wrong.server_id += 1;
    CHECK(code(wrong) == Code::capture_position_foreign);
  }
  Fingerprint inside = first;
  inside.offset += 3;
  CHECK(code(inside) == Code::capture_position_foreign);
  Fingerprint behind = first;
  behind.offset = end_of_log(own).offset;
  CHECK(code(behind) == Code::capture_position_foreign);
  behind.offset += 1000;
  CHECK(code(behind) == Code::capture_position_foreign);
  own.sql("FLUSH BINARY LOGS");
  purge_logs(own);
  CHECK(code(first) == Code::capture_log_purged);
}

TEST_CASE("a text that is no fingerprint is not read as one") {
  for (const char* text : {"", "1", "1 f", "1 f 2 3", "1 f 2 3 xyz", "1 f 2 3 12 ", "a f 2 3 1", "1  2 3 1"})
    CHECK_FALSE(parse_fingerprint(text));
}
