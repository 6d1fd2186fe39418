#include "adapters/mysql/schema.h"

#include <map>
#include <set>
#include <utility>

namespace omrsync::mysql {
namespace {

std::string text(const Cell& cell) { return cell.value_or(""); }

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

/// MariaDB prints a default as an expression, MySQL as its text.
std::optional<std::string> default_of(const Cell& cell) {
  if (!cell || *cell == "NULL") return std::nullopt;
  if (cell->size() < 2 || cell->front() != '\'' || cell->back() != '\'') return *cell;
  std::string plain;
  for (std::size_t i = 1; i + 1 < cell->size(); ++i) {
    plain.push_back((*cell)[i]);
    if ((*cell)[i] == '\'') ++i;
  }
  return plain;
}

Status read_tables(Connection& connection, const std::string& where, openmrs::Schema& schema) {
  const std::string sql =
      "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA" + where;
  return connection.query(sql, [&](std::span<const Cell> row) {
    schema[text(row[0])].name = text(row[0]);
    return true;
  });
}

Status read_columns(Connection& connection, const std::string& where, openmrs::Schema& schema) {
  const std::string sql =
      "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, IS_NULLABLE, EXTRA, COLUMN_DEFAULT"
      " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA" +
      where + " ORDER BY TABLE_NAME, ORDINAL_POSITION";
  return connection.query(sql, [&](std::span<const Cell> row) {
    const auto found = schema.find(text(row[0]));
    if (found == schema.end()) return true;
    openmrs::Table& table = found->second;
    openmrs::Column& column = table.columns.emplace_back();
    column.name = text(row[1]);
    column.sql_type = lower(text(row[2]));
    column.type = openmrs::column_type_of(column.sql_type);
    column.charset = text(row[3]);
    column.nullable = text(row[4]) == "YES";
    column.auto_increment = lower(text(row[5])).find("auto_increment") != std::string::npos;
    column.default_text = default_of(row[6]);
    if (lower(column.name) == "uuid") table.has_uuid = column.type == openmrs::ColumnType::text;
    return true;
  });
}

Status read_keys(Connection& connection, const std::string& where, openmrs::Schema& schema) {
  const std::string sql =
      "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0"
      " AND TABLE_SCHEMA" +
      where + " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";
  std::string last;
  return connection.query(sql, [&](std::span<const Cell> row) {
    const auto table = schema.find(text(row[0]));
    if (table == schema.end()) return true;
    const std::string index = text(row[0]) + "." + text(row[1]);
    if (text(row[1]) == "PRIMARY") {
      table->second.primary_key.push_back(text(row[2]));
    } else {
      if (index != last) table->second.unique_keys.emplace_back();
      table->second.unique_keys.back().push_back(text(row[2]));
    }
    last = index;
    return true;
  });
}

struct ForeignKey {
  std::string column, target, target_column;
  std::size_t columns = 0;
};

using ForeignKeys = std::map<std::pair<std::string, std::string>, ForeignKey>;  ///< by table and constraint

Result<ForeignKeys> foreign_keys(Connection& connection, const std::string& where) {
  ForeignKeys keys;
  OMRSYNC_CHECK(connection.query(
      "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME"
      " FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA = TABLE_SCHEMA AND TABLE_SCHEMA" +
          where,
      [&](std::span<const Cell> row) {
        ForeignKey& key = keys[{text(row[0]), text(row[1])}];
        ++key.columns;
        key.column = text(row[2]);
        key.target = text(row[3]);
        key.target_column = text(row[4]);
        return true;
      }));
  return keys;
}

/// Joined here, because the server joins these tables in seconds. OpenMRS has no foreign key of several columns.
Status read_references(Connection& connection, const std::string& where, openmrs::Schema& schema) {
  OMRSYNC_TRY(keys, foreign_keys(connection, where));
  std::set<std::pair<std::string, std::string>> cascades;
  OMRSYNC_CHECK(
      connection.query("SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS"
                       " WHERE DELETE_RULE = 'CASCADE' AND CONSTRAINT_SCHEMA" +
                           where,
                       [&](std::span<const Cell> row) {
                         cascades.emplace(text(row[0]), text(row[1]));
                         return true;
                       }));
  for (const auto& [name, key] : keys) {
    const auto table = schema.find(name.first);
    if (table == schema.end() || key.columns != 1) continue;
    for (openmrs::Column& column : table->second.columns) {
      if (column.name != key.column) continue;
      column.cascades_delete = column.cascades_delete || cascades.contains(name);
      if (!column.references.empty()) continue;
      column.references = key.target;
      column.references_column = key.target_column;
    }
  }
  return Done{};
}

}  // namespace

Result<openmrs::Schema> read_schema(Connection& connection, const std::string& database) {
  openmrs::Schema schema;
  const std::string where = " = " + quote_text(database);
  OMRSYNC_CHECK(read_tables(connection, where, schema));
  OMRSYNC_CHECK(read_columns(connection, where, schema));
  if (schema.empty())
    return Error{Remedy::retry_later, Code::db_privilege_missing, "no table is visible in the OpenMRS database"};
  OMRSYNC_CHECK(read_keys(connection, where, schema));
  OMRSYNC_CHECK(read_references(connection, where, schema));
  for (auto& [name, table] : schema) table.epoch = openmrs::epoch_of(table);
  return schema;
}

}  // namespace omrsync::mysql
