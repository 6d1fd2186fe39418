#include "adapters/mysql/connection.h"

#include "tests/support/catch.h"
#include "tests/support/private_mariadb.h"

using namespace omrsync;
using mysql::Connection;
using mysql::ConnectionOptions;

namespace {

tests::PrivateMariadb& server() {
  static tests::PrivateMariadb one;
  return one;
}

std::unique_ptr<Connection> connect(std::string database = "") {
  ConnectionOptions options;
  options.socket = server().socket();
  options.user = "root";
  options.database = std::move(database);
  auto opened = Connection::open(options);
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(opened).value();
}

}  // namespace

TEST_CASE("cells come back as they are, NULL, NUL bytes and four-byte characters included") {
  auto db = connect();
  auto rows = db->rows("SELECT NULL, X'610062', 'it''s \\ ', _utf8mb4 X'F09F9881', '', 1.50");
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  CHECK(rows->front()[0] == std::nullopt);
  CHECK(rows->front()[1] == std::string("a\0b", 3));
  CHECK(rows->front()[2] == "it's \\ ");
  CHECK(rows->front()[3] == "\xF0\x9F\x98\x81");
  CHECK(rows->front()[4] == "");
  CHECK(rows->front()[5] == "1.50");
}

TEST_CASE("any text and any bytes survive quoting") {
  auto db = connect();
  const std::string text = "a'b\\c\"d`e\n%_;--";
  CHECK(*db->value("SELECT " + mysql::quote_text(text)) == text);
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  CHECK(*db->value("SELECT " + mysql::quote_bytes(bytes)) == bytes);
  CHECK(*db->value("SELECT 1 AS " + mysql::quote_identifier("a`b")) == "1");
}

TEST_CASE("a result is streamed, and may be left early") {
  auto db = connect("mysql");
  std::uint64_t sum = 0;
  REQUIRE(db->query("SELECT seq FROM seq_1_to_100000", [&](std::span<const mysql::Cell> row) {
    sum += std::stoull(*row[0]);
    return true;
  }));
  CHECK(sum == 100000ull * 100001 / 2);
  int seen = 0;
  REQUIRE(db->query("SELECT seq FROM seq_1_to_100000", [&](std::span<const mysql::Cell>) { return ++seen < 10; }));
  CHECK(seen == 10);
  CHECK(*db->value("SELECT 7") == "7");
}

TEST_CASE("a stream that the server cuts short is an error, not a short answer") {
  auto db = connect("mysql");
  const std::string id = **db->value("SELECT CONNECTION_ID()");
  int seen = 0;
  const auto cut = db->query("SELECT seq, REPEAT('x', 1000) FROM seq_1_to_1000000", [&](std::span<const mysql::Cell>) {
    if (++seen == 100) server().sql("KILL QUERY " + id);
    return true;
  });
  REQUIRE_FALSE(cut);
  CHECK(cut.error().remedy == Remedy::retry_later);
  CHECK(*db->value("SELECT 7") == "7");
}

TEST_CASE("failures are told apart by what to do, and quote nothing") {
  server().sql(
      "CREATE OR REPLACE DATABASE failures; USE failures;"
      "CREATE TABLE t(id INT PRIMARY KEY, v VARCHAR(3) NOT NULL, UNIQUE(v)) ENGINE=InnoDB CHARSET=utf8mb3;"
      "INSERT INTO t VALUES(1,'abc'),(2,'d')");
  auto db = connect("failures");
  auto taken = db->execute("INSERT INTO t VALUES(3,'abc')");
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == Code::db_constraint);
  CHECK(taken.error().remedy == Remedy::set_aside);
  CHECK(db->last_error() == 1062);
  CHECK(taken.error().message.find("abc") == std::string::npos);
  CHECK(taken.error().message.find("1062") != std::string::npos);
  CHECK(db->execute("INSERT INTO t VALUES(3,'long')").error().code == Code::db_constraint);
  CHECK(db->last_error() == 1406);
  CHECK(db->execute("INSERT INTO t VALUES(3, _utf8mb4 X'F09F9881')").error().code == Code::apply_text_unfit);
  CHECK(db->execute("nonsense").error().remedy == Remedy::set_aside);

  auto other = connect("failures");
  REQUIRE(other->begin());
  REQUIRE(other->execute("UPDATE t SET v='x' WHERE id=1"));
  REQUIRE(db->execute("SET innodb_lock_wait_timeout=0"));
  auto busy = db->execute("UPDATE t SET v='y' WHERE id=1");
  REQUIRE_FALSE(busy);
  CHECK(busy.error().code == Code::db_lock_busy);
  CHECK(busy.error().remedy == Remedy::retry_later);

  server().sql("KILL CONNECTION " + **db->value("SELECT CONNECTION_ID()"));
  auto lost = db->value("SELECT 1");
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Code::db_connection_lost);
  CHECK(lost.error().remedy == Remedy::reconnect);
}

TEST_CASE("opening says why it cannot") {
  ConnectionOptions options;
  options.port = server().port();
  options.user = "nobody";
  CHECK(Connection::open(options).error().code == Code::db_privilege_missing);
  options.socket = (server().folder() / "none").string();
  CHECK(Connection::open(options).error().code == Code::db_unreachable);
  options.socket.clear();
  options.tls_server_name = "elsewhere";
  CHECK(Connection::open(options).error().code == Code::config_invalid);
}

TEST_CASE("a row set to what it was is not counted as changed") {
  server().sql(
      "CREATE OR REPLACE DATABASE counts; CREATE TABLE counts.t(v INT) ENGINE=InnoDB;"
      "INSERT INTO counts.t VALUES(1),(2),(3)");
  auto db = connect("counts");
  CHECK(*db->execute("UPDATE t SET v=1 WHERE v<3") == 1);
  CHECK(*db->execute("DELETE FROM t") == 3);
}

TEST_CASE("a snapshot does not see what is committed after it") {
  server().sql(
      "CREATE OR REPLACE DATABASE snap; CREATE TABLE snap.t(v INT) ENGINE=InnoDB; INSERT INTO snap.t VALUES(1)");
  auto db = connect("snap");
  REQUIRE(db->begin_snapshot());
  server().sql("INSERT INTO snap.t VALUES(2)");
  CHECK(*db->value("SELECT COUNT(*) FROM t") == "1");
  REQUIRE(db->commit());
  CHECK(*db->value("SELECT COUNT(*) FROM t") == "2");
}

TEST_CASE("a power cut loses the connection; after a restart the data are there") {
  tests::PrivateMariadb own({{}, true});
  ConnectionOptions options;
  options.port = own.port();
  options.user = "root";
  auto db = std::move(Connection::open(options)).value();
  REQUIRE(db->execute("CREATE DATABASE d"));
  REQUIRE(db->execute("CREATE TABLE d.t(v INT) ENGINE=InnoDB"));
  REQUIRE(db->execute("INSERT INTO d.t VALUES(42)"));
  own.kill9();
  CHECK(db->value("SELECT 1").error().remedy == Remedy::reconnect);
  own.restart();
  auto again = std::move(Connection::open(options)).value();
  CHECK(*again->value("SELECT v FROM d.t") == "42");
}
