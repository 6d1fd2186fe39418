#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/memory/clinician.h"
#include "tests/sim/chart.h"

namespace omrsync::sim {

/// The people at one OpenMRS, who write down in the chart what they mean to write.
class Staff {
 public:
  Staff(std::size_t node, memory::OpenmrsTwin& openmrs, Chart& chart);

  /// The database holds this from before the node came. Call before the node starts.
  void have(const RootKey& root, const std::map<GroupName, GroupValue>& groups);

  /// Transactions of one or many roots by SQL or from a form opened in the same moment. False: the database refused.
  bool write(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups);
  bool write_many(const std::map<RootKey, std::map<GroupName, std::optional<GroupValue>>>& roots);
  bool purge(const RootKey& root);

  /// A form that is open, perhaps for long.
  [[nodiscard]] std::optional<memory::Form> open(const RootKey& root);
  /// Saves it as Hibernate does.
  bool save(memory::Form form, const std::map<GroupName, std::optional<GroupValue>>& edits);

  /// A write whose commit comes later; nobody else gets at the row until then.
  bool begin_slowly(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups);
  void finish_slowly();
  [[nodiscard]] bool is_slow() const noexcept { return slow_.in_transaction(); }

  /// Whoever is in the middle of something finishes it.
  void go_home() { finish_slowly(); }

  [[nodiscard]] std::optional<GroupValue> value_of(const Place& place) const;
  /// A value that was never written before, with these other cells.
  GroupValue fresh(std::vector<NamedCell> cells = {}) { return chart_.fresh(std::move(cells)); }

 private:
  using Groups = std::map<GroupName, std::optional<GroupValue>>;
  void note(const RootKey& root, const Groups& groups, const memory::TwinRows& before);
  [[nodiscard]] bool stood_before_last_apply(const Place& place, const std::optional<GroupValue>& value) const;
  void note_form(const memory::Form& form, const std::shared_ptr<const memory::TwinRow>& before);

  std::size_t node_;
  memory::OpenmrsTwin& openmrs_;
  Chart& chart_;
  memory::Clinician hand_;
  memory::Clinician slow_;
  std::function<void(const std::shared_ptr<const memory::TwinRows>&)> when_slow_commits_;
};

}  // namespace omrsync::sim
