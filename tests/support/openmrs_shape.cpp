#include "tests/support/openmrs_shape.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace omrsync::tests {
namespace {

struct Foreign {
  std::string table, column, target, target_column, cascade;
};

struct Shape {
  openmrs::Schema schema;
  std::vector<std::string> order;
  std::vector<Foreign> foreign;
};

/// "int ! + =0 >users ^delete" behind the name and the type.
void read_marks(std::istringstream& words, openmrs::Column& column, Foreign& foreign) {
  for (std::string mark; words >> mark;) {
    const std::string rest = mark.substr(1);
    if (mark == "!") column.nullable = false;
    else if (mark == "+") column.auto_increment = true;
    else if (mark[0] == '=') column.default_text = rest;
    else if (mark[0] == '^') foreign.cascade = rest;
    else if (mark[0] == '>') {
      foreign.target = rest.substr(0, rest.find('.'));
      if (const auto dot = rest.find('.'); dot != std::string::npos) foreign.target_column = rest.substr(dot + 1);
    } else if (mark == "unsigned") column.sql_type += " unsigned";
    else throw std::runtime_error("shape: " + mark);
  }
  column.references = foreign.target;
  column.cascades_delete = foreign.cascade == "delete";
}

void read_line(const std::string& line, Shape& shape) {
  if (line.empty() || line[0] == '#') return;
  if (line[0] != ' ') {
    shape.order.push_back(line);
    shape.schema[line].name = line;
    return;
  }
  openmrs::Table& table = shape.schema[shape.order.back()];
  std::istringstream words(line);
  std::string name;
  words >> name;
  if (name == "pk" || name == "unique") {
    std::vector<std::string> columns;
    for (std::string each; words >> each;) columns.push_back(each);
    if (name == "pk") table.primary_key = columns;
    else table.unique_keys.push_back(columns);
    return;
  }
  openmrs::Column column;
  column.name = name;
  words >> column.sql_type;
  Foreign foreign{table.name, name, "", "", ""};
  read_marks(words, column, foreign);
  column.type = openmrs::column_type_of(column.sql_type);
  if (column.type == openmrs::ColumnType::text) column.charset = "utf8mb4";
  if (!foreign.target.empty()) shape.foreign.push_back(foreign);
  if (name == "uuid") table.has_uuid = true;
  table.columns.push_back(std::move(column));
}

Shape read_shape(std::string_view text) {
  Shape shape;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) read_line(line, shape);
  for (Foreign& foreign : shape.foreign) {
    if (foreign.target_column.empty()) foreign.target_column = shape.schema.at(foreign.target).primary_key.at(0);
    for (openmrs::Column& column : shape.schema[foreign.table].columns)
      if (column.name == foreign.column) column.references_column = foreign.target_column;
  }
  for (auto& [name, table] : shape.schema) table.epoch = openmrs::epoch_of(table);
  return shape;
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "`" : ", `") + name + "`";
  return list;
}

std::string foreign_key(const Foreign& foreign) {
  std::string sql = "FOREIGN KEY (`" + foreign.column + "`) REFERENCES `" + foreign.target + "` (`" +
                    foreign.target_column + "`)";
  if (foreign.cascade == "update") sql += " ON UPDATE CASCADE";
  if (foreign.cascade == "delete") sql += " ON DELETE CASCADE";
  return sql + ", ";
}

std::string create_table(const Shape& shape, const openmrs::Table& table) {
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
  for (const Foreign& foreign : shape.foreign)
    if (foreign.table == table.name) sql += foreign_key(foreign);
  sql.resize(sql.size() - 2);
  return sql + ") ENGINE=InnoDB";
}

}  // namespace

openmrs::Schema parse_shape(std::string_view text) { return read_shape(text).schema; }

std::vector<std::string> ddl_of(std::string_view shape_text) {
  const Shape shape = read_shape(shape_text);
  std::vector<std::string> statements{"SET foreign_key_checks = 0"};
  for (const std::string& name : shape.order) statements.push_back(create_table(shape, shape.schema.at(name)));
  statements.push_back("SET foreign_key_checks = 1");
  return statements;
}

std::string openmrs_shape_text() {
  std::ifstream file(OMRSYNC_SHAPE_FILE);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) throw std::runtime_error("the shape file cannot be read");
  return text.str();
}

openmrs::Schema openmrs_schema() { return parse_shape(openmrs_shape_text()); }

}  // namespace omrsync::tests
