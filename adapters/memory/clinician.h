#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "adapters/memory/openmrs_transaction.h"

namespace omrsync::memory {

/// A root as somebody has it on the screen, read at some moment and perhaps stale by now.
struct Form {
  RootKey root;
  std::map<GroupName, GroupValue> read;
  std::map<GroupName, std::optional<GroupValue>> edited;
};

/// A user of OpenMRS: reads in REPEATABLE READ, writes whole rows as Hibernate does, never notices the node. A write
/// that a unit of work of the node makes wait returns db_lock_busy and may be tried again; the transaction lives on.
class Clinician {
 public:
  Clinician(OpenmrsTwin& twin, std::string author) : twin_(twin), author_(std::move(author)) {}

  void begin();
  /// As of `begin`, own writes included; without a transaction, as of now. Nothing: not there.
  [[nodiscard]] std::optional<Form> open(const RootKey& root) const;
  /// Writes back, for each row of the form with an edited group, all groups of that row as the form has them.
  Status save(const Form& form);
  /// A plain SQL UPDATE or INSERT of these groups only.
  Status write(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups);
  /// DELETE; db_constraint where other rows refer to it.
  Status purge(const RootKey& root);
  Status commit();
  void roll_back();
  [[nodiscard]] bool in_transaction() const noexcept { return transaction_ != nullptr; }

  /// Each in a transaction of its own; after a failure nothing happened.
  Status save_now(const Form& form);
  Status write_now(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups);
  Status purge_now(const RootKey& root);

 private:
  template <typename Work>
  Status alone(const Work& work);

  OpenmrsTwin& twin_;
  std::string author_;
  std::shared_ptr<const TwinRows> seen_;
  std::unique_ptr<TwinTransaction> transaction_;
};

}  // namespace omrsync::memory
