#include <deque>
#include <fstream>
#include <random>

#include "adapters/mysql/binlog_parser.h"
#include "tests/adapters/mysql/binlog_support.h"

using namespace omrsync;
using namespace omrsync::tests;

namespace {

/// The events of a log file as the server wrote them.
std::vector<std::string> events_of(const PrivateMariadb& of, const std::string& file) {
  std::ifstream in(of.data_dir() / file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::string> events;
  for (std::size_t at = 4; at + 19 <= bytes.size();) {
    std::uint32_t size = 0;
    for (std::size_t i = 4; i-- > 0;) size = size << 8 | static_cast<unsigned char>(bytes[at + 9 + i]);
    if (size < 19 || at + size > bytes.size()) break;
    events.push_back(bytes.substr(at, size));
    at += size;
  }
  return events;
}

/// Sets the size in the header to what there is.
void resize_event(std::string& event, std::size_t size) {
  event.resize(size);
  if (size < 19) return;
  for (std::size_t i = 0; i < 4; ++i) event[9 + i] = static_cast<char>(size >> (8 * i));
}

/// Flips bits, sets extreme bytes, copies pieces, cuts and stretches.
void mutate(std::string& event, std::mt19937_64& random) {
  for (auto times = 1 + random() % 4; times > 0; --times) {
    const std::size_t at = random() % event.size();
    switch (random() % 7) {
      case 0:
        event[at] = static_cast<char>(event[at] ^ (1 << random() % 8));
        break;
      case 1:
        event[at] = static_cast<char>(0xFF);
        break;
      case 2:
        event[at] = 0;
        break;
      case 3:
        event[at] = static_cast<char>(random());
        break;
      case 4:
        event[at] = static_cast<char>(250 + random() % 6);
        break;
      case 5:
        resize_event(event, std::max<std::size_t>(1, random() % event.size()));
        break;
      default:
        resize_event(event, event.size() + random() % 64);
    }
  }
  if (random() % 8 != 0) resize_event(event, event.size());
}

struct Outcome {
  std::size_t events = 0;
  std::size_t rows = 0;
  bool failed = false;
};

Outcome parse(const std::vector<std::string>& events, bool verify) {
  BinlogParser parser({{"hostile"}, {}, verify}, {"binlog.000001", 4, "", 0});
  std::deque<LogEvent> out;
  Outcome outcome;
  for (const std::string& event : events) {
    const auto status = parser.feed(event, out);
    outcome.failed = !status;
    if (outcome.failed) break;
  }
  outcome.events = out.size();
  for (const LogEvent& event : out)
    if (const auto* rows = std::get_if<Rows>(&event)) outcome.rows += rows->rows.size();
  return outcome;
}

/// A log with every kind of event that a server writes.
std::vector<std::string> sample_log(bool compressed) {
  PrivateMariadb own({compressed ? std::vector<std::string>{"--log-bin-compress=ON", "--log-bin-compress-min-len=10"}
                                 : std::vector<std::string>{},
                      false});
  own.sql(
      "CREATE DATABASE hostile; USE hostile; CREATE TABLE t(id INT PRIMARY KEY, a TINYINT UNSIGNED, b SMALLINT, c "
      "MEDIUMINT,"
      "d BIGINT UNSIGNED, e FLOAT, f DOUBLE, g DECIMAL(30,10), h DATE, i DATETIME(3), j TIMESTAMP(6) NULL, k TIME(2), "
      "l YEAR,"
      "m BIT(9), n CHAR(38), o VARCHAR(300), p TEXT CHARACTER SET latin1, q BLOB, r ENUM('x','y'), s SET('a','b'),"
      "u BINARY(16), v POINT, w CHAR(255) CHARACTER SET utf8mb4);"
      "INSERT INTO t SELECT seq,1,-2,-3,18446744073709551615,0.5,1e10,-123.456,'2020-01-01','2020-01-01 01:02:03.5',"
      "'2020-01-01 "
      "01:02:03','-10:00:00.5',2020,300,UUID(),REPEAT('é',50),'é',X'00FF','y','a,b',X'01',NULL,REPEAT('😀',200)"
      " FROM seq_1_to_40; UPDATE t SET a=a+1, o=NULL; DELETE FROM t WHERE id>20;"
      "SET binlog_format=STATEMENT; UPDATE t SET b=1 ORDER BY RAND() LIMIT 3; INSERT INTO t(id) "
      "VALUES(LAST_INSERT_ID()+100);"
      "SET @v='x'; UPDATE t SET n=@v; SET binlog_format=ROW; XA START 'x'; DELETE FROM t WHERE id=1; XA END 'x';"
      "XA PREPARE 'x'; XA COMMIT 'x'; TRUNCATE t; FLUSH BINARY LOGS");
  return events_of(own, "binlog.000001");
}

void attack(const std::vector<std::string>& events, std::uint64_t seed, int rounds) {
  REQUIRE(parse(events, true).rows >= 101);
  std::mt19937_64 random(seed);
  std::size_t failed = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::string> spoiled = events;
    for (auto times = 1 + random() % 3; times > 0; --times) mutate(spoiled[random() % spoiled.size()], random);
    failed += parse(spoiled, false).failed ? 1 : 0;
  }
  CHECK(failed > 0);
  CHECK(failed < static_cast<std::size_t>(rounds));
}

}  // namespace

TEST_CASE("a log with random faults is refused or read, but never brings the reader down") {
  attack(sample_log(false), 11, 2500);
  attack(sample_log(true), 12, 1500);
}

TEST_CASE("with checksums each random fault in the log is noticed") {
  const auto events = sample_log(false);
  std::mt19937_64 random(13);
  for (int round = 0; round < 500; ++round) {
    auto spoiled = events;
    std::string& event = spoiled[1 + random() % (spoiled.size() - 1)];
    const std::size_t at = 19 + random() % (event.size() - 19);
    event[at] = static_cast<char>(event[at] ^ (1 << random() % 8));
    CHECK(parse(spoiled, true).failed);
  }
}

TEST_CASE("random bytes are no table map and no rows, or harmless ones") {
  std::mt19937_64 random(14);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (auto left = random() % 120; left > 0; --left)
      bytes.push_back(static_cast<char>(random() % 4 == 0 ? random() : random() % 9));
    const auto map = parse_table_map(bytes, {});
    TableMap table;
    for (const int type : {1, 3, 8, 12, 18, 19, 246, 254, 15, 252}) {
      LogColumn column;
      column.type = static_cast<std::uint8_t>(type);
      column.width = static_cast<std::uint32_t>(random() % 5);
      column.size = 20;
      table.columns.push_back(column);
    }
    for (const RowsKind kind : {RowsKind::inserted, RowsKind::updated, RowsKind::deleted}) {
      const auto rows = decode_rows(table, kind, bytes);
      if (rows)
        for (const RowChange& row : *rows) CHECK(row.before.size() + row.after.size() > 0);
      if (map && !map->columns.empty()) (void)decode_rows(*map, kind, bytes);
    }
  }
}

TEST_CASE("what claims to be compressed is not believed its size") {
  CHECK_FALSE(inflate_log(""));
  CHECK_FALSE(inflate_log("\x84"));
  CHECK_FALSE(inflate_log(std::string("\x84\xFF\xFF\xFF\xFF\x78\x9C", 7)));
  CHECK_FALSE(inflate_log(std::string("\x81\x05\x78\x9C\x00\x00", 6)));
}
