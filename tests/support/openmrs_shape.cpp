#include "tests/support/openmrs_shape.h"

#include <set>
#include <sstream>
#include <stdexcept>

#include "adapters/openmrs/shape.h"

namespace omrsync::tests {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "`" : ", `") + name + "`";
  return list;
}

/// "table.column" of the foreign keys that follow their target's key, which a schema does not say.
std::set<std::string> update_cascades(std::string_view shape_text) {
  std::set<std::string> found;
  std::istringstream lines{std::string(shape_text)};
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != ' ') table = line;
    std::istringstream words(line);
    std::string column;
    if (words >> column && line.find("^update") != std::string::npos) found.insert(table + "." + column);
  }
  return found;
}

std::string foreign_key(const openmrs::Column& column, bool follows) {
  return "FOREIGN KEY (`" + column.name + "`) REFERENCES `" + column.references + "` (`" + column.references_column +
         "`)" + (follows ? " ON UPDATE CASCADE" : "") + (column.cascades_delete ? " ON DELETE CASCADE, " : ", ");
}

std::string create_table(const openmrs::Table& table, const std::set<std::string>& follow) {
  std::string sql = "CREATE TABLE `" + table.name + "` (";
  for (const openmrs::Column& column : table.columns) {
    sql += "`" + column.name + "` " + column.sql_type + (column.nullable ? " NULL" : " NOT NULL");
    if (column.auto_increment) sql += " AUTO_INCREMENT";
    if (column.default_text)
      sql += column.default_text->ends_with("()") ? " DEFAULT " + *column.default_text
                                                  : " DEFAULT '" + *column.default_text + "'";
    sql += ", ";
  }
  if (!table.primary_key.empty()) sql += "PRIMARY KEY (" + listed(table.primary_key) + "), ";
  for (const auto& key : table.unique_keys) sql += "UNIQUE KEY (" + listed(key) + "), ";
  for (const openmrs::Column& column : table.columns)
    if (!column.references.empty()) sql += foreign_key(column, follow.contains(table.name + "." + column.name));
  sql.resize(sql.size() - 2);
  return sql + ") ENGINE=InnoDB";
}

}  // namespace

openmrs::Schema parse_shape(std::string_view text) {
  auto schema = openmrs::parse_shape(text);
  if (!schema) throw std::runtime_error(schema.error().message);
  return std::move(schema).value();
}

std::vector<std::string> ddl_of(std::string_view shape_text) {
  std::vector<std::string> statements{"SET foreign_key_checks = 0"};
  const auto follow = update_cascades(shape_text);
  for (const auto& [name, table] : parse_shape(shape_text)) statements.push_back(create_table(table, follow));
  statements.push_back("SET foreign_key_checks = 1");
  return statements;
}

openmrs::Schema openmrs_schema() { return parse_shape(openmrs::openmrs_shape()); }

}  // namespace omrsync::tests
