#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/openmrs/model.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

struct DatabaseOptions {
  ConnectionOptions connection;             ///< `database` is OpenMRS's own
  std::string marker_schema;                ///< empty: omrsync_<database>
  std::array<std::uint8_t, 16> hash_key{};  ///< the node's secret (D22)
  std::vector<std::string> declarations;    ///< the site's own, JSON (see openmrs::compile_model)
  std::string site;                         ///< told apart by it: a taken system_id becomes <system_id>@<site>
  std::uint32_t replica_id = 0;             ///< for the log's reader; 0: made from chance
  bool live = true;                         ///< false: nobody else writes; nothing else changes
};

/// The OpenMRS database of a node over MySQL Connector/C++ and libmariadb.
///
/// Thread-safe. The schema is read and compiled when it is opened, and again after DDL; what was handed out before goes
/// on with the schema that it began with, or fails with capture_schema_changed and is to be begun anew.
class MysqlDatabase : public ports::OpenmrsDatabase {
 public:
  /// Failures: those of the connection; config_invalid where a declaration is wrong; db_setting_wrong without the
  /// marker schema (see create_marker_schema).
  static Result<std::unique_ptr<MysqlDatabase>> open(DatabaseOptions options);
  ~MysqlDatabase() override;

  Result<std::vector<ports::RootTable>> tables() override;
  Result<std::unique_ptr<ports::Snapshot>> snapshot() override;
  Result<std::unique_ptr<ports::UnitOfWork>> begin() override;
  Result<ports::LogPosition> log_end() override;
  Result<std::uint64_t> count(const std::string& table) override;
  Status forget_markers(std::span<const std::string> keys) override;
  Result<std::vector<std::string>> markers() override;
  Result<std::string> signature() override;
  Status sign(const std::string& signature) override;

  /// A reader of the log of its own, to be used by one thread; may outlive this.
  [[nodiscard]] std::unique_ptr<ports::ChangeSource> changes();

  /// The model in use now.
  [[nodiscard]] std::shared_ptr<const openmrs::Model> model() const;

  /// Reads and compiles the schema again, whether or not anything told of a change.
  Status refresh();

  struct Shared;

 private:
  explicit MysqlDatabase(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

/// Makes the marker schema with its tables, if they are not there. Needs the right to create it; a second call changes
/// nothing.
Status create_marker_schema(Connection& connection, const std::string& marker_schema);

/// "omrsync_<database>" unless `configured` says otherwise.
[[nodiscard]] std::string marker_schema_name(const std::string& configured, const std::string& database);

}  // namespace omrsync::mysql
