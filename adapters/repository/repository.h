#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/openmrs/model.h"
#include "adapters/ports/clock.h"
#include "adapters/ports/openmrs.h"
#include "adapters/ports/store.h"

/// What a node without an OpenMRS database has in its place (D22): whole bodies, in the node's own store.
namespace omrsync::repository {

struct Options {
  std::shared_ptr<const openmrs::Model> model;  ///< the tables that are known beforehand
  std::array<std::uint8_t, 16> hash_key{};      ///< of the groups' hashes
  std::vector<openmrs::Excluded> never;         ///< what never travels (D18); names of tables may end in '*'
  /// How far capture has taken the log in for good, read within a transaction of the same store: what lies behind it is
  /// dropped with the next commit. None: nothing is.
  std::function<Result<std::optional<ports::LogPosition>>(ports::StoreTransaction&)> taken;
};

class Core;

/// The OpenMRS ports over tables of the node's store (tables.h). Rows are root -> group -> value; a commit is one store
/// transaction of rows, log and marker; a snapshot is one reading transaction, so keep it short.
///
/// It takes everything: tables and columns that nobody knows, names and identifiers that are taken, references to what
/// is not there yet; whoever has a real database below or above judges for itself. A row that others refer to is voided
/// or retired instead of deleted, and a user always, as in OpenMRS (D30): else it would be purged anew for ever by a
/// node that must keep it. Nobody but the node writes here, so that `before_value` is always known and nothing is
/// unlogged.
///
/// Failures are those of the store, and db_lock_busy between its own units. Thread-safe; ends after what it handed out.
class Repository final : public ports::OpenmrsDatabase {
 public:
  /// `store` has the tables of tables.h and outlives it, like `clock`, which gives the log's stamps.
  Repository(ports::Store& store, ports::Clock& clock, Options options);
  ~Repository() override;

  /// Known tables that travel, then others that came, both in an order in which children can insert most rows.
  Result<std::vector<ports::RootTable>> tables() override;
  Result<std::unique_ptr<ports::Snapshot>> snapshot() override;
  Result<std::unique_ptr<ports::UnitOfWork>> begin() override;
  Result<ports::LogPosition> log_end() override;
  Result<std::uint64_t> count(const std::string& table) override;
  Status forget_markers(std::span<const std::string> keys) override;
  Result<std::vector<std::string>> markers() override;
  Result<std::string> signature() override;
  Status sign(const std::string& signature) override;

  /// A reader of the log of its own.
  [[nodiscard]] std::unique_ptr<ports::ChangeSource> changes();

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace omrsync::repository
