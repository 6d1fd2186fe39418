#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/database_tables.h"
#include "adapters/mysql/references.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

/// A root as rows, in canonical text.
struct RawRoot {
  const openmrs::TablePlan* plan = nullptr;
  std::string key;    ///< its own, in wire terms
  std::string asked;  ///< the key it was asked for by; differs from `key` where that is an alias
  Row row;
  std::uint64_t local_id = 0;
  std::vector<std::pair<const openmrs::TablePlan*, Row>> owned;
  std::vector<std::string> owned_keys;  ///< of `owned`, once `name_owned` was called; empty where a row has none

  [[nodiscard]] bool by_alias() const noexcept { return asked != key; }
  /// Another node's admin or daemon: our own stands for it and nothing of it is written here, so that it is the same
  /// whatever becomes of ours. What it is stands in the residue.
  [[nodiscard]] bool foreign_core_user() const noexcept { return by_alias() && plan->table->name == "users"; }
  void name_owned(const References& references);
};

/// Reads whole roots, each table with one query for at most 500 of them. Used by one thread.
class RootReader {
 public:
  /// `lock`: rows are locked, in the fixed order of tables.
  RootReader(Connection& connection, const Compiled& compiled, References& references,
             std::shared_ptr<const Aliases> aliases, bool lock);

  /// One answer per root, in the order asked; nothing: it is not there, or its table does not travel.
  Result<std::vector<std::optional<RawRoot>>> read(std::span<const RootKey> roots);

  /// Adds the owned rows of `roots`, which are all roots of one table whose local numbers lie between the first's and
  /// the last's.
  Status read_owned_between(std::vector<RawRoot>& roots);

  /// Roots as groups; finds the keys of everything they refer to first.
  Result<std::vector<ports::RootContent>> contents(std::span<const RawRoot> roots);

 private:
  struct Asked;
  Status read_table(const openmrs::TablePlan& plan, std::span<const RootKey> roots,
                    std::vector<std::optional<RawRoot>>& out, const std::vector<std::size_t>& places);
  Status read_rows(const openmrs::TablePlan& plan, const std::string& where, std::vector<RawRoot>& found);
  Status read_owned(const openmrs::TablePlan& plan, std::vector<RawRoot*>& roots);
  Status read_owned_where(const openmrs::TablePlan& owned, const std::string& where,
                          const std::vector<RawRoot*>& by_number);
  [[nodiscard]] std::string spelled_here(const openmrs::TablePlan& plan, const std::string& key) const;
  Result<std::string> where_keys(const openmrs::TablePlan& plan, const std::vector<std::string>& keys);
  Result<std::string> where_natural(const openmrs::TablePlan& plan, const std::vector<std::string>& keys);

  Connection& connection_;
  const Compiled& compiled_;
  References& references_;
  std::shared_ptr<const Aliases> aliases_;
  std::string lock_;
};

/// The hash of a group that is nowhere in the database (see RawRoot::foreign_core_user).
[[nodiscard]] std::uint64_t absent_hash(const Compiled& compiled);

/// Groups of a root whose references `references` knows.
[[nodiscard]] ports::RootContent content_of(const Compiled& compiled, const References& references,
                                            const RawRoot& root);

/// The integer key of the row; 0 where it has none.
[[nodiscard]] std::uint64_t number_of(const openmrs::TablePlan& plan, const Row& row);

}  // namespace omrsync::mysql
