#include <algorithm>

#include "adapters/openmrs/model.h"
#include "protocol/digest.h"
#include "protocol/varint.h"

namespace omrsync::openmrs {

ColumnType column_type_of(std::string_view sql_type) noexcept {
  const std::string_view name = sql_type.substr(0, sql_type.find_first_of(" (/"));
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (sql_type.starts_with("tinyint(1)")) return ColumnType::boolean;
  if (is({"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "enum"})) return ColumnType::integer;
  if (is({"float", "double", "real"})) return ColumnType::real;
  if (is({"decimal", "numeric"})) return ColumnType::decimal;
  if (is({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})) return ColumnType::text;
  if (is({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})) return ColumnType::bytes;
  if (is({"date"})) return ColumnType::date;
  if (is({"datetime", "timestamp"})) return ColumnType::datetime;
  if (is({"time"})) return ColumnType::time;
  if (is({"bit", "set"})) return ColumnType::bits;
  return ColumnType::other;
}

std::uint64_t epoch_of(const Table& table) {
  std::string shape;
  append_bytes(shape, table.name);
  for (const Column& column : table.columns) {
    append_bytes(shape, column.name);
    append_bytes(shape, column.sql_type);
    append_bytes(shape, column.charset);
    shape.push_back(column.nullable ? '0' : '1');
    append_bytes(shape, column.references);
  }
  for (const std::string& column : table.primary_key) append_bytes(shape, column);
  const std::string digest = sha256(shape);
  std::string_view front = digest;
  return take_u64(front).value_or(0);
}

}  // namespace omrsync::openmrs
