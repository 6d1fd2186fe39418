#include "tests/sim/chart.h"

namespace omrsync::sim {

std::optional<std::size_t> Chart::find(const Place& place, const std::optional<GroupValue>& value) const {
  const auto found = by_value_.find({place, value});
  return found == by_value_.end() ? std::nullopt : std::optional(found->second);
}

void Chart::loaded(const Place& place, const GroupValue& value) {
  if (find(place, value)) return;
  by_value_[{place, value}] = writes_.size();
  writes_.push_back({SIZE_MAX, place, value, {}});
}

std::size_t Chart::wrote(std::size_t node, const Place& place, const std::optional<GroupValue>& value,
                         const std::vector<std::optional<GroupValue>>& before) {
  Written write{node, place, value, {}};
  for (const auto& each : before)
    if (const auto id = find(place, each)) write.seen.insert(*id);
  // Siblings of the same value are superseded too (R9).
  if (const auto id = find(place, value)) write.seen.insert(*id);
  const std::size_t id = writes_.size();
  by_value_[{place, value}] = id;
  local_[{node, place}] = value;
  writes_.push_back(std::move(write));
  return id;
}

void Chart::purged(std::size_t node, const RootKey& root, const std::map<GroupName, GroupValue>& before) {
  const std::size_t purge = wrote(node, {root, kLifeGroup}, std::nullopt, {});
  for (const auto& [group, value] : before) {
    if (const auto id = find({root, group}, value)) writes_[purge].seen.insert(*id);
    if (group != kLifeGroup) local_[{node, {root, group}}] = std::nullopt;
  }
}

bool Chart::is_local(std::size_t node, const Place& place, const std::optional<GroupValue>& value) const {
  const auto last = local_.find({node, place});
  return last != local_.end() && last->second == value;
}

std::map<Place, std::vector<const Written*>> Chart::standing() const {
  std::set<std::size_t> seen;
  for (const Written& each : writes_) seen.insert(each.seen.begin(), each.seen.end());
  std::map<Place, std::vector<const Written*>> standing;
  for (std::size_t id = 0; id < writes_.size(); ++id)
    if (!seen.contains(id)) standing[writes_[id].place].push_back(&writes_[id]);
  return standing;
}

bool Chart::knows(const Place& place) const {
  const auto first = by_value_.lower_bound({place, std::nullopt});
  return first != by_value_.end() && first->first.first == place;
}

bool Chart::is_chain(const Place& place) const {
  std::optional<std::size_t> last;
  for (std::size_t id = 0; id < writes_.size(); ++id) {
    if (writes_[id].place != place) continue;
    if (last && !writes_[id].seen.contains(*last)) return false;
    last = id;
  }
  return true;
}

GroupValue Chart::fresh(std::vector<NamedCell> cells) {
  const std::string text = "w" + std::to_string(++values_);
  cells.push_back({"w", text});
  return encode_cells(std::move(cells));
}

}  // namespace omrsync::sim
