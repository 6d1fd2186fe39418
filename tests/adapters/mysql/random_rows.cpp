#include "tests/adapters/mysql/random_rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace omrsync::tests {
namespace {

constexpr std::array kTexts = {"plain",
                               "It's \"quoted\"",
                               "back\\slash\\",
                               "new\nline\ttab",
                               "Ünï çødé",
                               "አማርኛ",
                               "हिन्दी",
                               "العربية",
                               "ភាសា",
                               "\xF0\x9F\x98\x80 smile",
                               "\xF0\x9E\xA4\x80\xF0\x9E\xA4\x81",
                               "a|b#c/d?e@f",
                               "",
                               " leading",
                               "0",
                               "NULL",
                               "?17",
                               "<xml attr='1'>&amp;</xml>",
                               "\x01\x02 control"};

constexpr std::array kDates = {"2024-02-29 13:37:59", "1899-12-31 23:59:59", "0000-00-00 00:00:00",
                               "2010-00-00 00:00:00", "9999-12-31 23:59:59", "2026-07-01 00:00:00",
                               "1970-01-01 00:00:01"};

std::size_t length_of(const std::string& sql_type) {
  const auto open = sql_type.find('(');
  std::size_t length = 4000;
  if (open != std::string::npos) std::from_chars(sql_type.data() + open + 1, sql_type.data() + sql_type.size(), length);
  return length;
}

bool is_unique(const openmrs::Table& table, const std::string& column) {
  const auto names = [&](const std::vector<std::string>& key) { return key.size() == 1 && key.front() == column; };
  return names(table.primary_key) || std::any_of(table.unique_keys.begin(), table.unique_keys.end(), names);
}

/// The first characters of UTF-8 text.
std::string cut(const std::string& text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at)
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80 && characters-- == 0) break;
  return text.substr(0, at);
}

}  // namespace

RandomRows::RandomRows(mysql::Connection& connection, const openmrs::Model& model, std::uint64_t seed)
    : connection_(connection), model_(model), random_(seed), unique_(seed % 1000 * 1'000'000) {}

void RandomRows::run(const std::string& sql) {
  const auto done = connection_.execute(sql);
  if (!done) throw std::runtime_error(done.error().message + ": " + sql);
}

std::string RandomRows::new_uuid() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string uuid;
  for (int i = 0; i < 36; ++i) uuid.push_back(i == 8 || i == 13 || i == 18 || i == 23 ? '-' : kHex[below(16)]);
  if (below(4) == 0)  // as the concept dictionaries in use spell them
    std::transform(uuid.begin(), uuid.end(), uuid.begin(),
                   [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return uuid;
}

std::string RandomRows::random_text(const openmrs::Column& column) {
  std::string text = kTexts[random_() % kTexts.size()];
  while (below(3) == 0) text += std::string(" ") + kTexts[random_() % kTexts.size()];
  return cut(text, length_of(column.sql_type));
}

std::string RandomRows::reference_to(const openmrs::Column& column) {
  const auto id = connection_.value("SELECT " + mysql::quote_identifier(column.references_column) + " FROM " +
                                    mysql::quote_identifier(column.references) + " ORDER BY RAND(" +
                                    std::to_string(below(1'000'000)) + ") LIMIT 1");
  if (!id) throw std::runtime_error(id.error().message);
  if (!*id) return column.nullable ? "NULL" : "1";  // a first row that refers to itself
  return mysql::quote_text(**id);
}

std::string RandomRows::value_for(const openmrs::Table& table, const openmrs::Column& column) {
  if (column.name == "uuid") return mysql::quote_text(new_uuid());
  if (!column.references.empty()) {
    const openmrs::TablePart* part = model_.part_of(table.name);
    const bool owner = part != nullptr && part->owner_column == column.name;
    if (column.nullable && !owner && below(3) == 0) return "NULL";
    return reference_to(column);
  }
  if (column.nullable && below(4) == 0) return "NULL";
  const std::string date = kDates[random_() % kDates.size()];
  using openmrs::ColumnType;
  switch (column.type) {
    case ColumnType::boolean:
      return std::to_string(below(2));
    case ColumnType::integer:
      return is_unique(table, column.name) ? std::to_string(++unique_) : std::to_string(below(2'000'000) - 1'000'000);
    case ColumnType::real: {
      constexpr std::array kReals = {"0.1", "-70.5", "1e20", "1.7976931348623157e308", "0.30000000000000004",
                                     "37",  "1e-7"};
      return column.sql_type.starts_with("float") ? "0.1" : kReals[random_() % kReals.size()];
    }
    case ColumnType::decimal:
      return "12.5";
    case ColumnType::date:
      return "'" + date.substr(0, 10) + "'";
    case ColumnType::datetime:
      return column.sql_type.starts_with("timestamp") ? "'2024-02-29 13:37:59'" : "'" + date + "'";
    case ColumnType::time:
      return "'" + date.substr(11) + "'";
    case ColumnType::bits:
      return "1";
    case ColumnType::bytes:
      return "X'00FF41'";
    default:
      break;
  }
  const bool key = is_unique(table, column.name) || column.name == "system_id" || column.name == "username";
  if (key)
    return mysql::quote_text(cut("n" + std::to_string(++unique_) + random_text(column), length_of(column.sql_type)));
  return mysql::quote_text(random_text(column));
}

bool RandomRows::insert_one(const std::string& name) {
  const openmrs::Table& table = model_.schema.at(name);
  std::string columns;
  std::string values;
  const auto last = connection_.value("SELECT 1 FROM " + mysql::quote_identifier(name) + " LIMIT 1");
  const bool first = last && !*last;
  for (const openmrs::Column& column : table.columns) {
    // The first row has number 1, so that it can refer to itself.
    const bool number = column.auto_increment && column.references.empty();
    if (number && !first) continue;
    const std::string value = number ? "1" : value_for(table, column);
    columns += (columns.empty() ? "" : ", ") + mysql::quote_identifier(column.name);
    values += (values.empty() ? "" : ", ") + value;
  }
  const std::string sql = "INSERT INTO " + mysql::quote_identifier(name) + " (" + columns + ") VALUES (" + values + ")";
  const auto done = connection_.execute(sql);
  if (done) return true;
  if (connection_.last_error() == 1062) return false;
  throw std::runtime_error(done.error().message + ": " + sql);
}

void RandomRows::fill(int rows_per_table) {
  for (const std::string& table : model_.tables)
    for (int i = 0; i < rows_per_table; ++i) {
      // A table without any key takes the same row twice; a link is there once.
      if (model_.schema.at(table).primary_key.empty()) {
        run("DELETE FROM " + mysql::quote_identifier(table) + " WHERE FALSE");
        if (i > 0) break;
      }
      (void)insert_one(table);
    }
  point_at_later_rows();
}

/// References against the order of the tables, which were empty when their rows were made.
void RandomRows::point_at_later_rows() {
  for (const std::string& name : model_.tables) {
    const openmrs::Table& table = model_.schema.at(name);
    if (table.primary_key.size() != 1) continue;
    for (const openmrs::Column& column : table.columns) {
      if (column.references.empty() || !column.nullable || model_.exclusion(name, column.name) != nullptr) continue;
      const std::string value = reference_to(column);
      const std::string quoted = mysql::quote_identifier(column.name);
      const auto done = connection_.execute("UPDATE " + mysql::quote_identifier(name) + " SET " + quoted + " = " +
                                            value + " WHERE " + quoted + " IS NULL LIMIT 1");
      if (!done && connection_.last_error() != 1062) throw std::runtime_error(done.error().message + ": " + name);
    }
  }
}

std::string RandomRows::random_where(const openmrs::Table& table) {
  const std::vector<std::string>& key = table.primary_key;
  std::string columns;
  for (const std::string& column : key) columns += (columns.empty() ? "" : ", ") + mysql::quote_identifier(column);
  const auto rows = connection_.rows("SELECT " + columns + " FROM " + mysql::quote_identifier(table.name) +
                                     " ORDER BY RAND(" + std::to_string(below(1'000'000)) + ") LIMIT 1");
  if (!rows) throw std::runtime_error(rows.error().message);
  if (rows->empty()) return {};
  std::string where;
  for (std::size_t i = 0; i < key.size(); ++i)
    where += (where.empty() ? " WHERE " : " AND ") + mysql::quote_identifier(key[i]) + " = " +
             mysql::quote_text((*rows)[0][i].value_or(""));
  return where;
}

void RandomRows::update_one(const std::string& name) {
  const openmrs::Table& table = model_.schema.at(name);
  const std::string where = random_where(table);
  if (where.empty()) return;
  std::string set;
  for (int i = 0; i < 3; ++i) {
    const openmrs::Column& column = table.columns[random_() % table.columns.size()];
    const bool key =
        column.auto_increment || column.name == "uuid" ||
        std::find(table.primary_key.begin(), table.primary_key.end(), column.name) != table.primary_key.end();
    if (key || model_.exclusion(name, column.name) != nullptr) continue;
    set += (set.empty() ? "" : ", ") + mysql::quote_identifier(column.name) + " = " + value_for(table, column);
  }
  if (set.empty()) return;
  const auto done = connection_.execute("UPDATE " + mysql::quote_identifier(name) + " SET " + set + where);
  if (!done && connection_.last_error() != 1062) throw std::runtime_error(done.error().message + ": " + set);
}

bool RandomRows::delete_one(const std::string& name) {
  const openmrs::Table& table = model_.schema.at(name);
  for (int tries = 0; tries < 5; ++tries) {
    const std::string where = random_where(table);
    if (where.empty()) return false;
    if (connection_.execute("DELETE FROM " + mysql::quote_identifier(name) + where)) return true;
  }
  return false;
}

}  // namespace omrsync::tests
