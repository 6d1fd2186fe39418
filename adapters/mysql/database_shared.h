#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "adapters/mysql/database.h"
#include "adapters/mysql/database_tables.h"
#include "adapters/mysql/references.h"
#include "adapters/mysql/references_cache.h"

namespace omrsync::mysql {

/// A compiled schema.
struct Epoch {
  Epoch(std::shared_ptr<const openmrs::Model> model, const KeyedHash& hash) : compiled(std::move(model), hash) {}
  Compiled compiled;
};

/// What all sessions of one database share.
struct MysqlDatabase::Shared {
  explicit Shared(DatabaseOptions given) : options(std::move(given)), hash(options.hash_key) {}

  const DatabaseOptions options;
  const KeyedHash hash;

  KeyCache cache;

  /// The schema as last read; reads it if it was said to have changed. Never null on success.
  Result<std::shared_ptr<Epoch>> epoch();
  /// The next `epoch` reads the schema again, and no key is remembered.
  void schema_changed();
  Status refresh(Connection& connection);

  [[nodiscard]] std::shared_ptr<const Aliases> aliases() const;
  void add_alias(const std::string& table, const std::string& from, const std::string& to);
  void drop_alias(const std::string& table, const std::string& from);
  Status read_aliases(Connection& connection);

  /// A session, kept from earlier work where there is one.
  Result<std::unique_ptr<Connection>> connect();
  /// A healthy session without an open transaction, for later work.
  void give_back(std::unique_ptr<Connection> connection);

  /// `error`, or capture_schema_changed where it says that the schema is not the one compiled.
  Error explain(const Connection& connection, Error error);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Epoch> epoch_;
  bool stale_ = true;
  std::shared_ptr<const Aliases> aliases_ = std::make_shared<Aliases>();
  std::vector<std::unique_ptr<Connection>> idle_;
};

/// Quoted "schema.table" in the marker schema.
[[nodiscard]] std::string marker_table(const DatabaseOptions& options, std::string_view table);

}  // namespace omrsync::mysql
