#include "adapters/mysql/database_shared.h"

#include "adapters/mysql/schema.h"

namespace omrsync::mysql {

Result<std::shared_ptr<Epoch>> MysqlDatabase::Shared::epoch() {
  {
    const std::lock_guard lock(mutex_);
    if (!stale_) return epoch_;
  }
  OMRSYNC_TRY(connection, connect());
  OMRSYNC_CHECK(refresh(*connection));
  give_back(std::move(connection));
  const std::lock_guard lock(mutex_);
  return epoch_;
}

void MysqlDatabase::Shared::schema_changed() {
  cache.clear();
  const std::lock_guard lock(mutex_);
  stale_ = true;
}

Status MysqlDatabase::Shared::refresh(Connection& connection) {
  {
    const std::lock_guard lock(mutex_);
    stale_ = false;  // before reading: a change that is told of meanwhile counts
    cache.clear();
  }
  Result<openmrs::Schema> schema = read_schema(connection, options.connection.database);
  Result<openmrs::Model> model = schema ? openmrs::compile_model(std::move(*schema), options.declarations)
                                        : Result<openmrs::Model>(schema.error());
  const std::lock_guard lock(mutex_);
  if (!model) {
    stale_ = true;
    return model.error();
  }
  epoch_ = std::make_shared<Epoch>(std::make_shared<const openmrs::Model>(std::move(*model)), hash);
  return Done{};
}

std::shared_ptr<const Aliases> MysqlDatabase::Shared::aliases() const {
  const std::lock_guard lock(mutex_);
  return aliases_;
}

void MysqlDatabase::Shared::add_alias(const std::string& table, const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  auto more = std::make_shared<Aliases>(*aliases_);
  more->insert_or_assign({table, from}, to);
  aliases_ = std::move(more);
}

void MysqlDatabase::Shared::drop_alias(const std::string& table, const std::string& from) {
  const std::lock_guard lock(mutex_);
  auto fewer = std::make_shared<Aliases>(*aliases_);
  fewer->erase({table, from});
  aliases_ = std::move(fewer);
}

Status MysqlDatabase::Shared::read_aliases(Connection& connection) {
  auto read = std::make_shared<Aliases>();
  OMRSYNC_CHECK(connection.query("SELECT root_table, uuid, local_uuid FROM " + marker_table(options, "alias"),
                                 [&](std::span<const Cell> row) {
                                   (*read)[{row[0].value_or(""), row[1].value_or("")}] = row[2].value_or("");
                                   return true;
                                 }));
  const std::lock_guard lock(mutex_);
  aliases_ = std::move(read);
  return Done{};
}

Result<std::unique_ptr<Connection>> MysqlDatabase::Shared::connect() {
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) break;
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    if (connection->execute("DO 1")) return connection;
    schema_changed();  // the server went away; what answers next may be another database
  }
  return Connection::open(options.connection);
}

void MysqlDatabase::Shared::give_back(std::unique_ptr<Connection> connection) {
  constexpr std::size_t kKept = 4;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(connection));
}

Error MysqlDatabase::Shared::explain(const Connection& connection, Error error) {
  const unsigned number = connection.last_error();
  const bool shape = number == 1054 || number == 1146 || number == 1412;
  if (!shape || error.remedy == Remedy::reconnect) return error;
  schema_changed();
  return {Remedy::retry_later, Code::capture_schema_changed, "the schema changed while its rows were read"};
}

std::string marker_table(const DatabaseOptions& options, std::string_view table) {
  const std::string schema = marker_schema_name(options.marker_schema, options.connection.database);
  return quote_identifier(schema) + "." + quote_identifier(table);
}

}  // namespace omrsync::mysql
