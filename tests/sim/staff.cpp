#include "tests/sim/staff.h"

#include <set>

namespace omrsync::sim {

Staff::Staff(std::size_t node, memory::OpenmrsTwin& openmrs, Chart& chart)
    : node_(node),
      openmrs_(openmrs),
      chart_(chart),
      hand_(openmrs, "user-" + std::to_string(node)),
      slow_(openmrs, "slow-user-" + std::to_string(node)) {}

void Staff::have(const RootKey& root, const std::map<GroupName, GroupValue>& groups) {
  std::map<GroupName, std::optional<GroupValue>> all(groups.begin(), groups.end());
  (void)hand_.write_now(root, all);
  for (const auto& [group, value] : openmrs_.find(root)->groups) chart_.loaded({root, group}, value);
}

std::optional<GroupValue> Staff::value_of(const Place& place) const {
  const auto row = openmrs_.find(place.root);
  if (!row) return std::nullopt;
  const auto group = row->groups.find(place.group);
  return group == row->groups.end() ? std::nullopt : std::optional(group->second);
}

/// What stands there now was before the eyes of whoever writes.
void Staff::note(const RootKey& root, const Groups& groups, const memory::TwinRows& before) {
  const auto row = before.find(root);
  for (const auto& [group, value] : groups) {
    const Place place{root, group};
    std::optional<GroupValue> stood;
    if (row != before.end())
      if (const auto held = row->second->groups.find(group); held != row->second->groups.end()) stood = held->second;
    if (stood == value) continue;
    if ((stood || chart_.knows(place)) && !chart_.is_local(node_, place, stood)) chart_.loosen(place);
    chart_.wrote(node_, place, value, {stood});
  }
}

bool Staff::write(const RootKey& root, const Groups& groups) { return write_many({{root, groups}}); }

bool Staff::write_many(const std::map<RootKey, Groups>& roots) {
  hand_.begin();
  for (const memory::TwinTable& table : openmrs_.schema())  // targets before what refers to them
    for (const auto& [root, groups] : roots)
      if (root.table == table.table.table && !hand_.write(root, groups)) {
        hand_.roll_back();
        return false;
      }
  const auto before = openmrs_.rows();
  if (!hand_.commit()) return false;
  for (const auto& [root, groups] : roots) note(root, groups, *before);
  for (const auto& [root, groups] : roots)  // groups that every new row has
    if (!before->contains(root))
      for (const auto& [group, value] : openmrs_.find(root)->groups)
        if (!groups.contains(group)) chart_.wrote(node_, {root, group}, value, {});
  return true;
}

bool Staff::purge(const RootKey& root) {
  const auto row = openmrs_.find(root);
  if (!row || !hand_.purge_now(root)) return false;
  chart_.purged(node_, root, row->groups);
  return true;
}

std::optional<memory::Form> Staff::open(const RootKey& root) { return hand_.open(root); }

bool Staff::stood_before_last_apply(const Place& place, const std::optional<GroupValue>& value) const {
  const auto value_in = [&](const std::shared_ptr<const memory::TwinRow>& row) -> std::optional<GroupValue> {
    if (!row) return std::nullopt;
    const auto group = row->groups.find(place.group);
    return group == row->groups.end() ? std::nullopt : std::optional(group->second);
  };
  std::set<std::optional<GroupValue>> stood;
  bool before_apply = false;
  for (const auto& commit : openmrs_.backup().log)
    for (const auto& change : commit->roots) {
      if (change.root != place.root || value_in(change.before) == value_in(change.after)) continue;
      stood.insert(value_in(change.before));
      if (!commit->marker_key.empty()) before_apply = stood.contains(value);
    }
  return before_apply;
}

/// A form's author saw the form; what local people wrote since is lost by OpenMRS itself, what the node brought is not.
void Staff::note_form(const memory::Form& form, const std::shared_ptr<const memory::TwinRow>& before) {
  std::set<std::string> rows;
  for (const auto& [group, value] : form.edited) rows.insert(memory::row_of(group));
  std::set<GroupName> written;
  for (const auto& [group, value] : form.read)
    if (rows.contains(memory::row_of(group))) written.insert(group);
  for (const auto& [group, value] : form.edited) written.insert(group);
  for (const GroupName& group : written) {
    const Place place{form.root, group};
    const auto edit = form.edited.find(group);
    const auto read = form.read.find(group);
    const std::optional<GroupValue> seen = read == form.read.end() ? std::nullopt : std::optional(read->second);
    const std::optional<GroupValue> after = edit == form.edited.end() ? seen : edit->second;
    const auto held = before->groups.find(group);
    const std::optional<GroupValue> stood = held == before->groups.end() ? std::nullopt : std::optional(held->second);
    if (after == stood) continue;
    const bool local = chart_.is_local(node_, place, stood) || stood == seen;
    if (!chart_.is_local(node_, place, stood)) chart_.loosen(place);
    // Brings back what stood before the node wrote here: nobody's write (D7c).
    if (edit == form.edited.end() && (!local || stood_before_last_apply(place, after))) continue;
    std::vector<std::optional<GroupValue>> before_eyes{seen};
    if (local) before_eyes.push_back(stood);
    chart_.wrote(node_, place, after, before_eyes);
  }
}

bool Staff::save(memory::Form form, const Groups& edits) {
  form.edited = edits;
  const auto before = openmrs_.find(form.root);
  if (!before || !hand_.save_now(form)) return false;
  note_form(form, before);
  return true;
}

bool Staff::begin_slowly(const RootKey& root, const Groups& groups) {
  if (slow_.in_transaction()) return false;
  slow_.begin();
  if (!openmrs_.find(root) || !slow_.write(root, groups)) {
    slow_.roll_back();
    return false;
  }
  when_slow_commits_ = [this, root, groups](const auto& before) { note(root, groups, *before); };
  return true;
}

void Staff::finish_slowly() {
  if (!slow_.in_transaction()) return;
  const auto before = openmrs_.rows();
  if (!slow_.commit()) {
    chart_.complain("a transaction of node " + std::to_string(node_) + " died because of the node");
    return;
  }
  when_slow_commits_(before);
}

}  // namespace omrsync::sim
