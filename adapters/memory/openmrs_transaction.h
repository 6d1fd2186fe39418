#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/memory/openmrs_twin.h"

namespace omrsync::memory {

/// One transaction in the twin, of the node or of a clinician. A lock held by another is an error at once
/// (db_lock_busy); whoever would wait in a real server tries again later. Rolled back when dropped.
class TwinTransaction {
 public:
  explicit TwinTransaction(OpenmrsTwin& twin);
  ~TwinTransaction();
  TwinTransaction(const TwinTransaction&) = delete;
  TwinTransaction& operator=(const TwinTransaction&) = delete;

  Status lock(const RootKey& root);
  /// Whoever holds the row loses its transaction.
  Status lock_at_any_price(const RootKey& root);
  /// The server rolled this transaction back.
  [[nodiscard]] bool is_victim() const;
  /// The row as this transaction would see it with a locking read; null: not there.
  std::shared_ptr<const TwinRow> current(const RootKey& root) const;

  /// Inserts or updates; groups without value are deleted. References are not checked here.
  Status write(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups);
  Status erase(const RootKey& root);

  /// Targets that the row names and that are not there. Locks those that are, shared.
  Result<std::vector<RootKey>> missing_targets(const RootKey& root);
  /// Roots that refer to `root`, this transaction's own changes included.
  std::vector<RootKey> referrers(const RootKey& root) const;
  /// A unique text of `root` that another root holds.
  bool name_taken(const RootKey& root) const;

  void commit(std::string author, std::string marker_key, std::string marker_payload);
  void roll_back();

 private:
  Status lock_shared(const RootKey& root);
  std::shared_ptr<const TwinRow> current_locked(const RootKey& root) const;
  template <typename Visit>
  void for_each_current(const Visit& visit) const;
  void release();

  OpenmrsTwin& twin_;
  std::uint64_t id_;
  std::map<RootKey, std::shared_ptr<const TwinRow>> changed_;  ///< null: deleted
  std::vector<RootKey> order_;
};

/// The keys that a row's references name, each with its column's description.
struct TwinTarget {
  RootKey root;
  const TwinReference* reference;
};
[[nodiscard]] std::vector<TwinTarget> targets_of(const TwinTable& table, const TwinRow& row);

}  // namespace omrsync::memory
