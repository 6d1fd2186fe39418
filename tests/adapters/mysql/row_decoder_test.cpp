#include "adapters/mysql/row_decoder.h"

#include <deque>

#include "adapters/mysql/binlog_parser.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::mysql;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text.push_back(static_cast<char>(value));
  return text;
}

std::string little(std::uint64_t value, unsigned width) {
  std::string text;
  for (unsigned i = 0; i < width; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

/// A table map of schema "s", table "t"; `types` and their metadata, and the optional fields.
std::string table_map(const std::string& types, const std::string& metadata, const std::string& optional) {
  const auto columns = static_cast<char>(types.size());
  return little(42, 6) + little(1, 2) + bytes({1, 's', 0, 1, 't', 0}) + columns + types +
         static_cast<char>(metadata.size()) + metadata + std::string((types.size() + 7) / 8, '\xFF') + optional;
}

/// An event with its header, without checksum.
std::string event(int type, const std::string& body, std::uint64_t end = 1000, int flags = 0) {
  return little(1'700'000'000, 4) + static_cast<char>(type) + little(9, 4) + little(19 + body.size(), 4) +
         little(end, 4) + little(static_cast<std::uint64_t>(flags), 2) + body;
}

}  // namespace

TEST_CASE("dates and times of tables made by old servers are read") {
  const auto map =
      parse_table_map(table_map(bytes({12, 11, 7, 14}), "", bytes({4, 8, 1, 'a', 1, 'b', 1, 'c', 1, 'd'})), {});
  REQUIRE(map);
  REQUIRE_FALSE(map->unreadable);
  const std::string rows = bytes({4, 15, 0}) + little(20110912130501, 8) +
                           little(static_cast<std::uint64_t>(-8385959), 3) + little(86400 + 61, 4) +
                           little(2011 << 9 | 2 << 5 | 28, 3);
  const auto decoded = decode_rows(*map, RowsKind::inserted, rows);
  REQUIRE(decoded);
  CHECK(decoded->at(0).after == Row{"2011-09-12 13:05:01", "-838:59:59", "1970-01-02 00:01:01", "2011-02-28"});
}

TEST_CASE("MySQL gives YEAR no sign, MariaDB does") {
  // YEAR, INT UNSIGNED, INT: names, then one byte of signs.
  const std::string names = bytes({4, 6, 1, 'y', 1, 'u', 1, 'i'});
  const auto mysql =
      parse_table_map(table_map(bytes({13, 3, 3}), "", names + bytes({1, 1, 0x80})), {}, LogDialect::mysql);
  CHECK(mysql->columns[1].is_unsigned);
  CHECK_FALSE(mysql->columns[2].is_unsigned);
  const auto mariadb =
      parse_table_map(table_map(bytes({13, 3, 3}), "", names + bytes({1, 1, 0xC0})), {}, LogDialect::mariadb);
  CHECK(mariadb->columns[1].is_unsigned);
  CHECK_FALSE(mariadb->columns[2].is_unsigned);
}

TEST_CASE("a MySQL transaction is read: its GTID, row events with extra data, XID") {
  BinlogParser parser({{"s"}, {}, true}, {"mysql-bin.000003", 4, "", 0});
  std::deque<LogEvent> out;
  const std::string source =
      bytes({0x3E, 0x11, 0xFA, 0x47, 0x71, 0xCA, 0x11, 0xE1, 0x9E, 0x33, 0xC8, 0x0A, 0xA9, 0x42, 0x95, 0x62});
  const std::string begin = little(0, 8) + bytes({1}) + little(0, 4) + "s" + bytes({0}) + "BEGIN";
  REQUIRE(parser.feed(event(33, bytes({1}) + source + little(23, 8), 200), out));
  REQUIRE(parser.feed(event(2, begin, 300), out));
  REQUIRE(parser.feed(event(19, table_map(bytes({3}), "", bytes({4, 2, 1, 'a', 1, 1, 0})), 400), out));
  REQUIRE(parser.feed(
      event(30, little(42, 6) + little(1, 2) + little(5, 2) + "xyz" + bytes({1, 1, 0}) + little(7, 4), 500), out));
  REQUIRE(parser.feed(event(30, little(0xFFFFFF, 6) + little(1, 2) + little(2, 2) + bytes({0}), 550), out));
  REQUIRE(parser.feed(event(16, little(1, 8), 600), out));
  REQUIRE(out.size() == 3);
  CHECK(std::get<Begin>(out[0]).gtid == "3e11fa47-71ca-11e1-9e33-c80aa9429562:23");
  CHECK(std::get<Rows>(out[1]).rows[0].after == Row{"7"});
  CHECK(std::get<Commit>(out[2]).position.offset == 600);
  CHECK(parser.read_through().offset == 600);
}

TEST_CASE("a statement without a BEGIN is a transaction of its own where servers have no such flag") {
  BinlogParser parser({{"s"}, {}, true}, {"mysql-bin.000003", 4, "", 0});
  std::deque<LogEvent> out;
  REQUIRE(parser.feed(event(34, std::string(25, '\0'), 200), out));
  REQUIRE(
      parser.feed(event(2, little(0, 8) + bytes({1}) + little(0, 4) + "s" + bytes({0}) + "DROP TABLE t", 300), out));
  REQUIRE(out.size() == 3);
  CHECK(std::get<Statement>(out[1]).tables == std::vector<TableName>{{"s", "t"}});
  CHECK(std::get<Commit>(out[2]).position.offset == 300);
}

TEST_CASE("a group that the server never ended is void when the next one begins") {
  BinlogParser parser({{"s"}, {}, true}, {"b.000001", 4, "0-9-1", 0});
  std::deque<LogEvent> out;
  const auto gtid = [](std::uint64_t sequence) {
    return little(sequence, 8) + little(0, 4) + bytes({0}) + std::string(6, '\0');
  };
  REQUIRE(parser.feed(event(162, gtid(2), 200), out));
  REQUIRE(parser.feed(event(162, gtid(2), 300), out));
  REQUIRE(parser.feed(event(16, little(1, 8), 400), out));
  REQUIRE(out.size() == 4);
  CHECK(std::holds_alternative<Rollback>(out[1]));
  CHECK(std::get<Commit>(out[3]).position.gtid == "0-9-2");
}

TEST_CASE("an event that nobody knows puts every table in doubt, unless its writer says that it may be ignored") {
  BinlogParser parser({{"s"}, {}, true}, {"b.000001", 4, "", 0});
  std::deque<LogEvent> out;
  REQUIRE(parser.feed(event(222, "new", 200, 0x80), out));
  CHECK(out.empty());
  REQUIRE(parser.feed(event(222, "new", 300), out));
  REQUIRE(parser.feed(event(39, "partial", 400), out));
  REQUIRE(parser.feed(event(26, "lost", 500), out));
  REQUIRE(out.size() == 3);
  CHECK(std::get<Unreadable>(out[0]).name == TableName{});
}

TEST_CASE("offsets go on beyond what the header can say") {
  BinlogParser parser({{"s"}, {}, true}, {"b.000001", 0xFFFFFF00, "", 0});
  std::deque<LogEvent> out;
  REQUIRE(parser.feed(event(3, "", 0x10), out));
  CHECK(parser.read_through().offset == 0x100000010);
}

TEST_CASE("canonical texts of SQL values") {
  CHECK(canonical_from_sql(ValueKind::real64, std::string("1.50")) == "1.5");
  CHECK(canonical_from_sql(ValueKind::real64, std::string("1e20")) == "1e+20");
  CHECK(canonical_from_sql(ValueKind::real64, std::string("-0")) == "-0");
  CHECK(canonical_from_sql(ValueKind::real32, std::string("0.10000000149011612")) == "0.1");
  CHECK(canonical_from_sql(ValueKind::decimal, std::string("-0.00")) == "0.00");
  CHECK(canonical_from_sql(ValueKind::decimal, std::string("0007.50")) == "7.50");
  CHECK(canonical_from_sql(ValueKind::decimal, std::string(".5")) == ".5");
  CHECK(canonical_from_sql(ValueKind::integer, std::string("00042")) == "42");
  CHECK(canonical_from_sql(ValueKind::integer, std::string("000")) == "0");
  CHECK(canonical_from_sql(ValueKind::datetime, std::string("2020-01-01 00:00:00.500000")) == "2020-01-01 00:00:00.5");
  CHECK(canonical_from_sql(ValueKind::time, std::string("-01:00:00.000")) == "-01:00:00");
  CHECK(canonical_from_sql(ValueKind::text, std::string("1.50")) == "1.50");
  CHECK(canonical_from_sql(ValueKind::date, Cell{}) == std::nullopt);
  CHECK(kind_of("INT(11) unsigned") == ValueKind::integer);
  CHECK(kind_of("double") == ValueKind::real64);
  CHECK(kind_of("uuid") == ValueKind::unsupported);
}
