#include "adapters/mysql/database.h"

#include <algorithm>
#include <charconv>

#include "adapters/mysql/binlog_position.h"
#include "adapters/mysql/change_source.h"
#include "adapters/mysql/database_shared.h"
#include "adapters/mysql/snapshot.h"
#include "adapters/mysql/unit_of_work.h"

namespace omrsync::mysql {

std::string marker_schema_name(const std::string& configured, const std::string& database) {
  return configured.empty() ? "omrsync_" + database : configured;
}

Status create_marker_schema(Connection& connection, const std::string& marker_schema) {
  const std::string schema = quote_identifier(marker_schema);
  const std::string options = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";
  for (const std::string& statement :
       {"CREATE DATABASE IF NOT EXISTS " + schema,
        "CREATE TABLE IF NOT EXISTS " + schema +
            ".marker (set_key VARBINARY(200) NOT NULL PRIMARY KEY, payload LONGBLOB NULL,"
            " number BIGINT NOT NULL AUTO_INCREMENT, UNIQUE KEY (number))" +
            options,
        "CREATE TABLE IF NOT EXISTS " + schema +
            ".alias (root_table VARCHAR(64) NOT NULL, uuid VARCHAR(64) NOT NULL, local_uuid VARCHAR(64) NOT NULL,"
            " PRIMARY KEY (root_table, uuid))" +
            options,
        "CREATE TABLE IF NOT EXISTS " + schema +
            ".life (only_row TINYINT NOT NULL PRIMARY KEY, signature VARCHAR(64) NOT NULL)" + options,
        "INSERT IGNORE INTO " + schema + ".life VALUES (1, '')"})
    OMRSYNC_CHECK(connection.execute(statement));
  return Done{};
}

MysqlDatabase::MysqlDatabase(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
MysqlDatabase::~MysqlDatabase() = default;

Result<std::unique_ptr<MysqlDatabase>> MysqlDatabase::open(DatabaseOptions options) {
  auto shared = std::make_shared<Shared>(std::move(options));
  OMRSYNC_TRY(connection, shared->connect());
  OMRSYNC_CHECK(shared->refresh(*connection));
  const Status aliases = shared->read_aliases(*connection);
  if (!aliases && (connection->last_error() == 1146 || connection->last_error() == 1049))
    return Error{Remedy::set_aside, Code::db_setting_wrong, "the marker schema is not there; run 'omrsync db init'"};
  OMRSYNC_CHECK(aliases);
  shared->give_back(std::move(connection));
  return std::unique_ptr<MysqlDatabase>(new MysqlDatabase(std::move(shared)));
}

Result<std::vector<ports::RootTable>> MysqlDatabase::tables() {
  OMRSYNC_TRY(epoch, shared_->epoch());
  std::vector<ports::RootTable> tables;
  for (const openmrs::Root& root : epoch->compiled.plans.model().roots) tables.push_back({root.root.table, root.kind});
  return tables;
}

Result<std::unique_ptr<ports::Snapshot>> MysqlDatabase::snapshot() { return open_snapshot(shared_); }

Result<std::unique_ptr<ports::UnitOfWork>> MysqlDatabase::begin() { return begin_unit_of_work(shared_); }

Result<ports::LogPosition> MysqlDatabase::log_end() {
  OMRSYNC_TRY(connection, shared_->connect());
  OMRSYNC_TRY(position, mysql::log_end(*connection));
  shared_->give_back(std::move(connection));
  return position;
}

Result<std::uint64_t> MysqlDatabase::count(const std::string& table) {
  OMRSYNC_TRY(connection, shared_->connect());
  OMRSYNC_TRY(rows, connection->value("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = " +
                                      quote_text(shared_->options.connection.database) +
                                      " AND TABLE_NAME = " + quote_text(table)));
  shared_->give_back(std::move(connection));
  std::uint64_t number = 0;
  if (rows) std::from_chars(rows->data(), rows->data() + rows->size(), number);
  return number;
}

Status MysqlDatabase::forget_markers(std::span<const std::string> keys) {
  OMRSYNC_TRY(connection, shared_->connect());
  OMRSYNC_TRY(newest, connection->value("SELECT MAX(number) FROM " + marker_table(shared_->options, "marker")));
  for (std::size_t at = 0; newest && at < keys.size(); at += kKeysPerQuery) {
    std::string list;
    for (const std::string& key : keys.subspan(at, std::min(kKeysPerQuery, keys.size() - at)))
      list += (list.empty() ? "" : ",") + quote_bytes(key);
    OMRSYNC_CHECK(connection->execute("DELETE FROM " + marker_table(shared_->options, "marker") + " WHERE number <> " +
                                      *newest + " AND set_key IN (" + list + ")"));
  }
  shared_->give_back(std::move(connection));
  return Done{};
}

Result<std::vector<std::string>> MysqlDatabase::markers() {
  OMRSYNC_TRY(connection, shared_->connect());
  std::vector<std::string> keys;
  OMRSYNC_CHECK(connection->query("SELECT set_key FROM " + marker_table(shared_->options, "marker"),
                                  [&](std::span<const Cell> row) {
                                    if (row[0]) keys.push_back(*row[0]);
                                    return true;
                                  }));
  shared_->give_back(std::move(connection));
  return keys;
}

std::unique_ptr<ports::ChangeSource> MysqlDatabase::changes() { return make_change_source(shared_); }

std::shared_ptr<const openmrs::Model> MysqlDatabase::model() const {
  const Result<std::shared_ptr<Epoch>> epoch = shared_->epoch();
  if (!epoch) return nullptr;
  return {*epoch, &(*epoch)->compiled.plans.model()};
}

Status MysqlDatabase::refresh() {
  OMRSYNC_TRY(connection, shared_->connect());
  OMRSYNC_CHECK(shared_->refresh(*connection));
  OMRSYNC_CHECK(shared_->read_aliases(*connection));
  shared_->give_back(std::move(connection));
  return Done{};
}

Result<std::string> MysqlDatabase::signature() {
  OMRSYNC_TRY(connection, shared_->connect());
  OMRSYNC_TRY(text, connection->value("SELECT signature FROM " + marker_table(shared_->options, "life")));
  shared_->give_back(std::move(connection));
  return text.value_or("");
}

Status MysqlDatabase::sign(const std::string& signature) {
  OMRSYNC_TRY(connection, shared_->connect());
  OMRSYNC_CHECK(connection->execute("UPDATE " + marker_table(shared_->options, "life") +
                                    " SET signature = " + quote_text(signature)));
  shared_->give_back(std::move(connection));
  return Done{};
}

}  // namespace omrsync::mysql
