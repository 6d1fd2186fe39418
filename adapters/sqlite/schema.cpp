#include "adapters/sqlite/schema.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace omrsync::sqlite {
namespace {

constexpr std::int64_t kApplicationId = 0x6F6D7273;  // "omrs"

/// Step n brings a file from format n to format n + 1. Steps are only ever added.
constexpr std::array kSteps = {
    "PRAGMA application_id=1869443699",
};
constexpr std::int64_t kFormat = kSteps.size();

/// A rowid table keeps large values out of the key's tree; without rowid, small rows are stored once instead of twice.
std::string sql_to_make(const std::string& table) {
  if (table.ends_with("_blob")) return "CREATE TABLE " + table + "(key BLOB NOT NULL UNIQUE, value BLOB NOT NULL)";
  return "CREATE TABLE " + table + "(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";
}

bool is_name(const std::string& table) {
  return !table.empty() &&
         std::all_of(table.begin(), table.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); });
}

Result<std::vector<std::string>> missing(Connection& connection, const Tables& tables) {
  std::vector<std::string> out;
  for (const std::string& table : tables) {
    if (!is_name(table))
      return Error{Remedy::stop_node, Code::defect, "'" + table + "' is no name for a store's table"};
    OMRSYNC_TRY(count,
                connection.number("SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='" + table + "'"));
    if (count == 0) out.push_back(table);
  }
  return out;
}

Status bring_up_to_date_locked(Connection& connection, const Tables& tables) {
  OMRSYNC_TRY(found, connection.number("PRAGMA user_version"));
  for (std::int64_t step = found; step < kFormat; ++step)
    OMRSYNC_CHECK(connection.execute(kSteps[static_cast<std::size_t>(step)]));
  OMRSYNC_CHECK(connection.execute("PRAGMA user_version=" + std::to_string(kFormat)));
  OMRSYNC_TRY(to_make, missing(connection, tables));
  for (const std::string& table : to_make) OMRSYNC_CHECK(connection.execute(sql_to_make(table)));
  return connection.execute("COMMIT");
}

}  // namespace

Status check_format(Connection& connection) {
  OMRSYNC_TRY(format, connection.number("PRAGMA user_version"));
  OMRSYNC_TRY(application, connection.number("PRAGMA application_id"));
  OMRSYNC_TRY(objects, connection.number("SELECT count(*) FROM sqlite_schema"));
  const bool is_empty = objects == 0 && format == 0 && application == 0;
  if (!is_empty && application != kApplicationId)
    return Error{Remedy::stop_node, Code::store_damaged, "the file is a database, but not a store of omrsync"};
  if (format > kFormat)
    return Error{Remedy::stop_node, Code::store_newer,
                 "the store has format " + std::to_string(format) + ", this version knows " + std::to_string(kFormat)};
  return Done{};
}

Status bring_up_to_date(Connection& connection, const Tables& tables) {
  OMRSYNC_TRY(format, connection.number("PRAGMA user_version"));
  OMRSYNC_TRY(to_make, missing(connection, tables));
  if (format == kFormat && to_make.empty()) return Done{};
  OMRSYNC_CHECK(connection.execute("BEGIN IMMEDIATE"));
  OMRSYNC_CHECK(check_format(connection));  // another process may have been here
  Status done = bring_up_to_date_locked(connection, tables);
  if (!done.has_value()) connection.roll_back();
  return done;
}

}  // namespace omrsync::sqlite
