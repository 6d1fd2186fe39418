#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/cells.h"
#include "protocol/state.h"

namespace omrsync::sim {

/// One group of one root.
struct Place {
  RootKey root;
  GroupName group;
  auto operator<=>(const Place&) const = default;
};

/// A value that a person meant to write.
struct Written {
  std::size_t node = 0;
  Place place;
  std::optional<GroupValue> value;  ///< none: the row was deleted; in `life`: the root was purged
  std::set<std::size_t> seen;       ///< writes that its author had before the eyes
};

/// What everybody wrote in the whole country, and what each had seen: by this the nodes are judged. Knows nothing of
/// dots, contexts or ledgers.
class Chart {
 public:
  /// The same content loaded by several nodes is one write.
  void loaded(const Place& place, const GroupValue& value);

  /// Somebody wrote `value`; `before`: values of this place that the author had seen.
  std::size_t wrote(std::size_t node, const Place& place, const std::optional<GroupValue>& value,
                    const std::vector<std::optional<GroupValue>>& before);

  /// A purge sees all groups of the root.
  void purged(std::size_t node, const RootKey& root, const std::map<GroupName, GroupValue>& before);

  /// More siblings than the unseen writes may stand here: somebody wrote soon after an apply, or from a stale form.
  void loosen(const Place& place) { loose_.insert(place); }
  /// An older copy was put back somewhere: old values may stand again anywhere, and sets may travel once more.
  void put_back() { put_back_ = true; }
  [[nodiscard]] bool was_put_back() const noexcept { return put_back_; }
  [[nodiscard]] bool is_loose(const Place& place) const { return put_back_ || loose_.contains(place); }

  /// The value was written by somebody at that node (not brought by the node), and nothing since.
  [[nodiscard]] bool is_local(std::size_t node, const Place& place, const std::optional<GroupValue>& value) const;

  /// Writes that no other write has seen, by place.
  [[nodiscard]] std::map<Place, std::vector<const Written*>> standing() const;

  /// Somebody wrote here.
  [[nodiscard]] bool knows(const Place& place) const;

  /// Everybody who wrote here had seen all that was written before.
  [[nodiscard]] bool is_chain(const Place& place) const;

  /// Somebody was hindered by the node.
  void complain(std::string what) { complaints_.push_back(std::move(what)); }
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }

  [[nodiscard]] std::size_t size() const noexcept { return writes_.size(); }

  /// A value that was never written before, with these other cells.
  GroupValue fresh(std::vector<NamedCell> cells);

 private:
  std::optional<std::size_t> find(const Place& place, const std::optional<GroupValue>& value) const;

  std::vector<Written> writes_;
  std::map<std::pair<Place, std::optional<GroupValue>>, std::size_t> by_value_;
  std::map<std::pair<std::size_t, Place>, std::optional<GroupValue>> local_;
  std::set<Place> loose_;
  std::vector<std::string> complaints_;
  std::uint64_t values_ = 0;
  bool put_back_ = false;
};

}  // namespace omrsync::sim
