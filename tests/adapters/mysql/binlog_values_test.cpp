#include <random>

#include "tests/adapters/mysql/binlog_support.h"

using namespace omrsync;
using namespace omrsync::tests;

namespace {

struct Sample {
  std::string column;  ///< name and type
  std::vector<std::string> edges;
  std::function<std::string(std::mt19937_64&)> random;
};

std::string number(std::mt19937_64& random, std::int64_t low, std::int64_t high) {
  return std::to_string(std::uniform_int_distribution<std::int64_t>(low, high)(random));
}

std::string two(unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string clock(std::mt19937_64& random, unsigned digits) {
  std::string text = two(static_cast<unsigned>(random() % 24)) + ":" + two(static_cast<unsigned>(random() % 60)) + ":" +
                     two(static_cast<unsigned>(random() % 60));
  if (digits > 0) text.push_back('.');
  for (unsigned i = 0; i < digits; ++i) text.push_back(static_cast<char>('0' + random() % 10));
  return text;
}

std::string date(std::mt19937_64& random) {
  return std::to_string(1000 + random() % 9000) + "-" + two(1 + static_cast<unsigned>(random() % 12)) + "-" +
         two(1 + static_cast<unsigned>(random() % 28));
}

std::string quoted(const std::string& text) { return "'" + text + "'"; }

/// Text of characters that the column's character set has, as a literal.
std::string random_text(std::mt19937_64& random, const std::vector<std::string>& characters, std::size_t most) {
  std::string text;
  for (std::size_t left = random() % (most + 1); left > 0; --left) text += characters[random() % characters.size()];
  return quote_text(text);
}

std::string random_bytes(std::mt19937_64& random, std::size_t most) {
  std::string bytes;
  for (std::size_t left = random() % (most + 1); left > 0; --left) bytes.push_back(static_cast<char>(random() % 256));
  return quote_bytes(bytes);
}

std::string random_double(std::mt19937_64& random) {
  char text[64];
  const double mantissa = std::uniform_real_distribution<double>(-10, 10)(random);
  std::snprintf(text, sizeof text, "%.17ge%d", mantissa, static_cast<int>(random() % 600) - 300);
  return text;
}

std::string random_float(std::mt19937_64& random) {
  char text[64];
  const double mantissa = std::uniform_real_distribution<double>(-3, 3)(random);
  std::snprintf(text, sizeof text, "%.9ge%d", mantissa, static_cast<int>(random() % 70) - 35);
  return text;
}

std::string random_decimal(std::mt19937_64& random, std::uint64_t whole, unsigned scale) {
  std::string text = random() % 2 == 0 ? "-" : "";
  for (std::uint64_t i = 0; i < whole; ++i) text.push_back(static_cast<char>('0' + random() % 10));
  text += ".";
  for (unsigned i = 0; i < scale; ++i) text.push_back(static_cast<char>('0' + random() % 10));
  return text;
}

const std::vector<std::string> kAny = {"a", "Z", "0", " ", "'", "\\", "\"", "\n",   "\t", std::string(1, '\0'),
                                       "é", "ß", "€", "ሰ", "क", "م",  "ខ",  "𞤀", "𠀀", "😀",
                                       "%", "_", "`"};
const std::vector<std::string> kBmp(kAny.begin(), kAny.begin() + 17);
const std::vector<std::string> kLatin = {"a",   "é", "ÿ", "€", "œ", "Ž", "£", " ", "'", "\\", std::string(1, '\0'),
                                         "\x7F"};

Sample integer(const std::string& type, std::int64_t low, std::int64_t high) {
  return {type, {std::to_string(low), std::to_string(high), "0", "1"}, [=](std::mt19937_64& random) {
            return number(random, low, high);
          }};
}

std::vector<Sample> number_samples() {
  return {
      integer("i1 TINYINT", -128, 127),
      integer("i1u TINYINT UNSIGNED", 0, 255),
      integer("b TINYINT(1)", 0, 2),
      integer("i2 SMALLINT", -32768, 32767),
      integer("i2u SMALLINT UNSIGNED ZEROFILL", 0, 65535),
      {"y YEAR", {"'0000'", "1901", "2155"}, [](auto& r) { return number(r, 1901, 2155); }},
      integer("i3 MEDIUMINT", -8388608, 8388607),
      integer("i3u MEDIUMINT UNSIGNED", 0, 16777215),
      integer("i4 INT", INT32_MIN, INT32_MAX),
      integer("i4u INT(11) UNSIGNED", 0, UINT32_MAX),
      integer("i8 BIGINT", INT64_MIN, INT64_MAX),
      {"i8u BIGINT UNSIGNED",
       {"0", "18446744073709551615", "9223372036854775808"},
       [](auto& r) { return std::to_string(r()); }},
      {"f FLOAT",
       {"16777217", "0.1", "-0.0", "1e-45", "3.402823466e38", "-3.402823466e38", "1.1754944e-38", "1e10"},
       random_float},
      {"fd FLOAT(7,3)", {"0", "9999.999", "-9999.999"}, [](auto& r) { return random_decimal(r, 4, 3); }},
      {"d DOUBLE",
       {"1.2e-7", "0.1", "-0.0", "1e0", "1.7976931348623157e308", "-1.7976931348623157e308", "2.2250738585072014e-308",
        "5e-324", "123456789012345680000", "1e22", "98.6", "1e15", "1e16"},
       random_double},
      {"dd DOUBLE(12,4)", {"0", "-1.5", "99999999.9999"}, [](auto& r) { return random_decimal(r, 8, 4); }},
      {"n DECIMAL(10,2)",
       {"0", "-0.00", "0.05", "-0.05", "99999999.99", "-99999999.99", "100"},
       [](auto& r) { return random_decimal(r, r() % 9, 2); }},
      {"n65 DECIMAL(65,30)",
       {"0.5", "-0.000000000000000000000000000001", "1"},
       [](auto& r) { return random_decimal(r, r() % 36, 30); }},
      {"n0 DECIMAL(18,0)",
       {"999999999999999999", "-1", "1000000000"},
       [](auto& r) { return random_decimal(r, 18, 0); }},
      {"ns DECIMAL(20,20)", {"0", "0.00000000000000000001"}, [](auto& r) { return random_decimal(r, 0, 20); }},
      {"nz DECIMAL(9,3) UNSIGNED ZEROFILL",
       {"0", "1.5", "999999.999"},
       [](auto& r) { return std::to_string(r() % 1000000) + ".125"; }},
      {"bit1 BIT(1)", {"0", "1"}, [](auto& r) { return number(r, 0, 1); }},
      {"bit9 BIT(9)", {"0", "511", "256"}, [](auto& r) { return number(r, 0, 511); }},
      {"bit64 BIT(64)", {"18446744073709551615", "0"}, [](auto& r) { return std::to_string(r()); }},
  };
}

std::vector<Sample> time_samples() {
  return {
      {"da DATE",
       {"'0000-00-00'", "'1900-02-00'", "'9999-12-31'", "'2020-02-31'"},
       [](auto& r) { return quoted(date(r)); }},
      {"dt DATETIME",
       {"'0000-00-00 00:00:00'", "'9999-12-31 23:59:59'", "'1970-01-01 00:00:00'", "'2011-00-00 00:00:00'"},
       [](auto& r) { return quoted(date(r) + " " + clock(r, 0)); }},
      {"dt3 DATETIME(3)",
       {"'0000-00-00 00:00:00.001'", "'2000-01-01 00:00:00.100'"},
       [](auto& r) { return quoted(date(r) + " " + clock(r, 3)); }},
      {"dt6 DATETIME(6)",
       {"'9999-12-31 23:59:59.999999'", "'2000-01-01 00:00:00.000000'"},
       [](auto& r) { return quoted(date(r) + " " + clock(r, 6)); }},
      {"ts TIMESTAMP NULL",
       {"'0000-00-00 00:00:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2000-02-29 00:00:00'"},
       [](auto& r) { return "FROM_UNIXTIME(" + number(r, 1, INT32_MAX) + ")"; }},
      {"ts1 TIMESTAMP(1) NULL",
       {"'2024-12-31 23:59:59.9'"},
       [](auto& r) { return "FROM_UNIXTIME(" + number(r, 1, INT32_MAX) + "." + number(r, 0, 9) + ")"; }},
      {"ts6 TIMESTAMP(6) NULL",
       {"'1970-01-01 00:00:01.000001'"},
       [](auto& r) { return "FROM_UNIXTIME(" + number(r, 1, INT32_MAX) + ".5)"; }},
      {"t TIME",
       {"'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'"},
       [](auto& r) { return quoted((r() % 2 ? "-" : "") + clock(r, 0)); }},
      {"t1 TIME(1)",
       {"'-00:00:00.1'", "'-838:59:59.9'", "'-01:00:00.0'"},
       [](auto& r) { return quoted((r() % 2 ? "-" : "") + clock(r, 1)); }},
      {"t2 TIME(2)", {"'-00:00:00.01'"}, [](auto& r) { return quoted((r() % 2 ? "-" : "") + clock(r, 2)); }},
      {"t4 TIME(4)", {"'-00:00:00.0001'"}, [](auto& r) { return quoted((r() % 2 ? "-" : "") + clock(r, 4)); }},
      {"t6 TIME(6)",
       {"'-00:00:00.000001'", "'838:59:59.999999'"},
       [](auto& r) { return quoted((r() % 2 ? "-" : "") + clock(r, 6)); }},
  };
}

std::vector<Sample> text_samples() {
  const auto any = [](std::size_t most) { return [=](std::mt19937_64& r) { return random_text(r, kAny, most); }; };
  const auto bmp = [](std::size_t most) { return [=](std::mt19937_64& r) { return random_text(r, kBmp, most); }; };
  const auto latin = [](std::size_t most) { return [=](std::mt19937_64& r) { return random_text(r, kLatin, most); }; };
  const auto bytes = [](std::size_t most) { return [=](std::mt19937_64& r) { return random_bytes(r, most); }; };
  return {
      {"p POINT", {"ST_GeomFromText('POINT(1 2)')"}, [](auto&) { return "ST_GeomFromText('POINT(-1.5 1e10)')"; }},
      {"c CHAR(38)", {"''", "'a  '", "' a'"}, any(38)},
      {"c255 CHAR(255)", {"REPEAT('😀',255)", "''"}, any(255)},
      {"cl CHAR(20) CHARACTER SET latin1", {"''", "'é'"}, latin(20)},
      {"ca CHAR(10) CHARACTER SET ascii",
       {"'~'"},
       [](auto& r) {
         return random_text(r, {"a", "B", "~"}, 10);
       }},
      {"v VARCHAR(50)", {"''", "'trailing  '", "'𞤀😀'"}, any(50)},
      {"v1000 VARCHAR(1000)", {"REPEAT('x',1000)"}, any(300)},
      {"v3 VARCHAR(255) CHARACTER SET utf8mb3", {"'€'"}, bmp(255)},
      {"vl VARCHAR(255) CHARACTER SET latin1", {"'é €'", "''"}, latin(255)},
      {"vb VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", {"'x'"}, any(60)},
      {"vn VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", {"'x '"}, any(60)},
      {"vu VARCHAR(60) CHARACTER SET utf8mb4 COLLATE uca1400_ai_ci", {"'x'"}, any(60)},
      {"tt TINYTEXT", {"''"}, any(60)},
      {"te TEXT", {"REPEAT('é',30000)"}, any(500)},
      {"tl TEXT CHARACTER SET latin1", {"'ÿ'"}, latin(500)},
      {"mt MEDIUMTEXT", {"''"}, any(100)},
      {"lt LONGTEXT", {"'{}'"}, any(100)},
      {"js JSON", {"'{\"a\":1.50}'", "'[]'"}, [](auto&) { return std::string("'{\"k\": \"😀\"}'"); }},
      {"bi BINARY(16)", {"X'00'", "X'20'", "X'FF0000'", "''"}, bytes(16)},
      {"bv VARBINARY(300)", {"X'00'", "''"}, bytes(300)},
      {"tb TINYBLOB", {"X'0000'"}, bytes(200)},
      {"bb BLOB", {"''"}, bytes(1000)},
      {"mb MEDIUMBLOB", {"''"}, bytes(100)},
      {"lb LONGBLOB", {"REPEAT(X'00FF',40000)"}, bytes(100)},
      {"e ENUM('x','y','é')", {"'x'", "'é'", "2"}, [](auto& r) { return number(r, 1, 3); }},
      {"s SET('a','b','c','d','e','f','g','h','i')", {"''", "'a,i'"}, [](auto& r) { return number(r, 0, 511); }},
      {"el ENUM('on','off') CHARACTER SET latin1", {"'off'"}, [](auto& r) { return number(r, 1, 2); }},
      {"last TINYINT UNSIGNED", {"200"}, [](auto& r) { return number(r, 0, 255); }},
  };
}

std::vector<std::string> random_row(const std::vector<Sample>& samples, std::mt19937_64& random) {
  std::vector<std::string> row;
  for (const Sample& sample : samples) {
    const auto choice = random() % 10;
    if (choice == 0)
      row.emplace_back("NULL");
    else if (choice < 4)
      row.push_back(sample.edges[random() % sample.edges.size()]);
    else
      row.push_back(sample.random(random));
  }
  return row;
}

std::string joined(const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += (text.empty() ? "" : ",") + piece;
  return text;
}

struct Columns {
  std::vector<std::string> names;
  std::vector<ValueKind> kinds;
  std::string select;  ///< the list of expressions
};

Columns describe(Connection& db, const std::string& schema, const std::string& table) {
  Columns columns;
  std::vector<std::string> expressions;
  for (const auto& row :
       must(db.rows("SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=" +
                    quote_text(schema) + " AND TABLE_NAME=" + quote_text(table) + " ORDER BY ORDINAL_POSITION"))) {
    columns.names.push_back(*row[0]);
    columns.kinds.push_back(kind_of(*row[1]));
    expressions.push_back(select_expression(*row[0], columns.kinds.back()));
  }
  columns.select = joined(expressions);
  return columns;
}

std::vector<mysql::Row> read_by_sql(Connection& db, const Columns& columns, const std::string& table) {
  std::vector<mysql::Row> rows;
  must(db.query("SELECT " + columns.select + " FROM " + table + " ORDER BY id", [&](std::span<const Cell> cells) {
    mysql::Row& row = rows.emplace_back(cells.begin(), cells.end());
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = canonical_from_sql(columns.kinds[i], std::move(row[i]));
    return true;
  }));
  return rows;
}

void check_equal(const Columns& columns, const mysql::Row& from_log, const mysql::Row& from_sql) {
  REQUIRE(from_log.size() == from_sql.size());
  for (std::size_t i = 0; i < from_log.size(); ++i) {
    INFO("column " << columns.names[i]);
    CHECK(from_log[i] == from_sql[i]);
  }
}

std::vector<RowChange> changes(const std::vector<LogEvent>& events, RowsKind kind) {
  std::vector<RowChange> found;
  for (const Rows& rows : only<Rows>(events))
    if (rows.kind == kind) found.insert(found.end(), rows.rows.begin(), rows.rows.end());
  return found;
}

void round_trip(const std::vector<Sample>& samples, const std::string& schema, std::uint64_t seed) {
  std::string create = "CREATE OR REPLACE DATABASE " + schema + " CHARACTER SET utf8mb4; USE " + schema +
                       "; CREATE TABLE t (id INT PRIMARY KEY";
  for (const Sample& sample : samples) create += ", " + sample.column;
  server().sql(create + ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC");
  auto db = connect(schema);
  const Columns columns = describe(*db, schema, "t");
  std::mt19937_64 random(seed);
  const LogPosition before_insert = end_of_log();
  for (int id = 1; id <= 120; ++id) {
    // Edge by edge first, so that each is met.
    std::vector<std::string> row = random_row(samples, random);
    for (std::size_t i = 0; i < samples.size(); ++i)
      if (static_cast<std::size_t>(id) <= samples[i].edges.size())
        row[i] = samples[i].edges[static_cast<std::size_t>(id) - 1];
    must(db->execute("INSERT INTO t VALUES (" + std::to_string(id) + "," + joined(row) + ")"));
  }
  const auto inserted = read_by_sql(*db, columns, "t");
  const LogPosition before_update = end_of_log();
  must(db->execute("UPDATE t a JOIN t b ON b.id=a.id+60 SET a." + columns.names[1] + "=b." + columns.names[1] + ", a." +
                   columns.names.back() + "=b." + columns.names.back() + " WHERE a.id<=60"));
  const auto updated = read_by_sql(*db, columns, "t");
  const LogPosition before_delete = end_of_log();
  must(db->execute("DELETE FROM t"));

  const auto log_inserted = changes(read_all(reading({schema}), before_insert), RowsKind::inserted);
  REQUIRE(log_inserted.size() == 120);
  for (std::size_t i = 0; i < inserted.size(); ++i) check_equal(columns, log_inserted[i].after, inserted[i]);
  const auto log_updated = changes(read_all(reading({schema}), before_update), RowsKind::updated);
  REQUIRE(log_updated.size() > 40);
  for (const RowChange& change : log_updated) {
    const auto id = std::stoul(*change.before[0]) - 1;
    check_equal(columns, change.before, inserted[id]);
    check_equal(columns, change.after, updated[id]);
  }
  const auto log_deleted = changes(read_all(reading({schema}), before_delete), RowsKind::deleted);
  REQUIRE(log_deleted.size() == 120);
  for (const RowChange& change : log_deleted) {
    check_equal(columns, change.before, updated[std::stoul(*change.before[0]) - 1]);
    CHECK(change.after.empty());
  }
}

}  // namespace

TEST_CASE("a number is the same text in the log and by SQL") { round_trip(number_samples(), "numbers", 1); }

TEST_CASE("a date or time is the same text in the log and by SQL") { round_trip(time_samples(), "times", 2); }

TEST_CASE("texts and bytes are the same in the log and by SQL, whatever the character set") {
  round_trip(text_samples(), "texts", 3);
}

TEST_CASE("column names come with the log") {
  server().sql("CREATE OR REPLACE DATABASE named; USE named; CREATE TABLE t(id INT PRIMARY KEY, `a``b` INT, `é` INT)");
  const LogPosition from = end_of_log();
  server().sql("INSERT INTO named.t VALUES(1,2,3)");
  const auto rows = only<Rows>(read_all(reading({"named"}), from));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].table->schema == "named");
  CHECK(rows[0].table->table == "t");
  REQUIRE(rows[0].table->columns.size() == 3);
  CHECK(rows[0].table->columns[1].name == "a`b");
  CHECK(rows[0].table->columns[2].name == "é");
}

TEST_CASE("each byte of latin1 becomes the character that the server makes of it") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  const auto by_server =
      must(connect()->value("SELECT CONVERT(CONVERT(" + quote_bytes(bytes) + " USING latin1) USING utf8mb4)"));
  std::string here;
  append_utf8(here, bytes, Charset::latin1);
  CHECK(here == *by_server);
}

TEST_CASE("each collation of the server is known by its number") {
  for (const auto& row : must(
           connect()->rows("SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
                           " WHERE ID IS NOT NULL"))) {
    INFO("collation " << *row[0] << " of " << *row[1]);
    CHECK(charset_of_collation(std::stoull(*row[0])) == charset_by_name(*row[1]));
  }
}

TEST_CASE("names, signs and character sets come from the schema where the log has none") {
  for (const std::string metadata : {"NO_LOG", "MINIMAL"}) {
    server().sql(
        "CREATE OR REPLACE DATABASE meta; USE meta; CREATE TABLE t(u INT UNSIGNED, i INT, l VARCHAR(20) "
        "CHARACTER SET latin1, b BLOB); SET GLOBAL binlog_row_metadata=" +
        metadata);
    const LogPosition from = end_of_log();
    server().sql("INSERT INTO meta.t VALUES(4294967295,-1,'é€',X'E9')");
    server().sql("SET GLOBAL binlog_row_metadata=FULL");
    ReaderOptions options = reading({"meta"});
    CHECK(only<Unreadable>(read_all(options, from)).at(0).code == Code::capture_schema_changed);
    options.lookup = [](std::string_view schema, std::string_view table) -> std::optional<std::vector<KnownColumn>> {
      if (schema != "meta" || table != "t") return std::nullopt;
      return {{{"u", true, ""}, {"i", false, ""}, {"l", false, "latin1"}, {"b", false, ""}}};
    };
    const auto rows = only<Rows>(read_all(options, from));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].table->columns[2].name == "l");
    CHECK(rows[0].rows[0].after == mysql::Row{"4294967295", "-1", "é€", "\xE9"});
  }
}
