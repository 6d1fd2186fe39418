#include "adapters/openmrs/shape.h"

#include <sstream>
#include <string>

namespace omrsync::openmrs {
namespace {

class ShapeReader {
 public:
  Result<Schema> read(std::string_view text) {
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);)
      if (!read_line(line)) return Error{Remedy::stop_node, Code::config_invalid, "shape of a database: " + line};
    for (auto& [name, table] : schema_) {
      for (Column& column : table.columns) complete(column);
      table.epoch = epoch_of(table);
    }
    return std::move(schema_);
  }

 private:
  bool read_line(const std::string& line) {
    if (line.empty() || line[0] == '#') return true;
    if (line[0] != ' ') {
      table_ = &schema_[line];
      table_->name = line;
      return true;
    }
    std::istringstream words(line);
    std::string name;
    if (table_ == nullptr || !(words >> name)) return false;
    if (name != "pk" && name != "unique") return read_column(name, words);
    std::vector<std::string> columns;
    for (std::string each; words >> each;) columns.push_back(each);
    if (name == "pk")
      table_->primary_key = std::move(columns);
    else
      table_->unique_keys.push_back(std::move(columns));
    return true;
  }

  bool read_column(const std::string& name, std::istringstream& words) {
    Column column;
    column.name = name;
    words >> column.sql_type;
    for (std::string mark; words >> mark;)
      if (!read_mark(mark, column)) return false;
    column.type = column_type_of(column.sql_type);
    if (column.type == ColumnType::text) column.charset = "utf8mb4";
    if (name == "uuid") table_->has_uuid = true;
    table_->columns.push_back(std::move(column));
    return true;
  }

  static bool read_mark(const std::string& mark, Column& column) {
    const std::string rest = mark.substr(1);
    if (mark == "!") {
      column.nullable = false;
    } else if (mark == "+") {
      column.auto_increment = true;
    } else if (mark == "unsigned") {
      column.sql_type += " unsigned";
    } else if (mark[0] == '=') {
      column.default_text = rest;
    } else if (mark[0] == '^') {
      column.cascades_delete = column.cascades_delete || rest == "delete";
    } else if (mark[0] == '>') {
      const std::size_t dot = rest.find('.');
      column.references = rest.substr(0, dot);
      if (dot != std::string::npos) column.references_column = rest.substr(dot + 1);
    } else {
      return false;
    }
    return true;
  }

  /// A foreign key names its target's primary key unless it says otherwise.
  void complete(Column& column) const {
    if (column.references.empty() || !column.references_column.empty()) return;
    const auto target = schema_.find(column.references);
    if (target != schema_.end() && !target->second.primary_key.empty())
      column.references_column = target->second.primary_key.front();
  }

  Schema schema_;
  Table* table_ = nullptr;
};

}  // namespace

Result<Schema> parse_shape(std::string_view text) { return ShapeReader().read(text); }

}  // namespace omrsync::openmrs
