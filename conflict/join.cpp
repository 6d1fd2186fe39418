#include "conflict/join.h"

#include <algorithm>

#include "protocol/digest.h"

namespace omrsync::conflict {
namespace {

const Sibling* find(const std::vector<Sibling>& siblings, const Dot& dot) noexcept {
  const auto place =
      std::lower_bound(siblings.begin(), siblings.end(), dot, [](const Sibling& s, const Dot& d) { return s.dot < d; });
  return place != siblings.end() && place->dot == dot ? &*place : nullptr;
}

const Group* find(const RootState& state, const GroupName& name) noexcept {
  const auto place = state.groups.find(name);
  return place == state.groups.end() ? nullptr : &place->second;
}

void insert(std::vector<Sibling>& siblings, Sibling sibling) {
  const auto place = std::lower_bound(siblings.begin(), siblings.end(), sibling.dot,
                                      [](const Sibling& s, const Dot& d) { return s.dot < d; });
  siblings.insert(place, std::move(sibling));
}

/// What of `one` survives meeting `other`: shared siblings (taken here, once), and those that `other` has not seen.
void keep(const Group* one, const Group* other, const Context& other_context, bool take_shared,
          std::vector<Sibling>& kept) {
  if (one == nullptr) return;
  for (const Sibling& sibling : one->siblings) {
    const bool shared = other != nullptr && find(other->siblings, sibling.dot) != nullptr;
    if (shared ? take_shared : !other_context.covers(sibling.dot)) insert(kept, sibling);
  }
}

}  // namespace

Dot choose_shown(const GroupName& name, const std::vector<Sibling>& siblings, const Dot* preferred, const Dot* other) {
  if (name == kLifeGroup)
    for (const Sibling& sibling : siblings)
      if (!sibling.value) return sibling.dot;
  for (const Dot* choice : {preferred, other})
    if (choice != nullptr && find(siblings, *choice) != nullptr) return *choice;
  return siblings.front().dot;
}

RootState join(const RootState& mine, const RootState& theirs, ShownBy shown) {
  RootState joined;
  const auto join_group = [&](const GroupName& name) {
    const Group* a = find(mine, name);
    const Group* b = find(theirs, name);
    std::vector<Sibling> kept;
    keep(a, b, theirs.context, true, kept);
    keep(b, a, mine.context, false, kept);
    if (kept.empty()) return;
    const Dot* my_choice = a == nullptr ? nullptr : &a->shown;
    const Dot* their_choice = b == nullptr ? nullptr : &b->shown;
    const Dot choice = shown == ShownBy::theirs ? choose_shown(name, kept, their_choice, my_choice)
                                                : choose_shown(name, kept, my_choice, their_choice);
    joined.groups.emplace_hint(joined.groups.end(), name, Group{std::move(kept), choice});
  };
  for (const auto& [name, group] : mine.groups) join_group(name);
  for (const auto& [name, group] : theirs.groups)
    if (!mine.groups.contains(name)) join_group(name);
  joined.context = mine.context;
  joined.context.add(theirs.context);
  return joined;
}

void write(RootState& state, const GroupName& name, Sibling written, const Dot* seen) {
  Group& group = state.groups[name];
  std::erase_if(group.siblings, [&](const Sibling& s) {
    return (seen != nullptr && s.dot == *seen) || s.value == written.value || s.dot == written.dot;
  });
  const Dot dot = written.dot;
  state.context.add(dot);
  insert(group.siblings, std::move(written));
  group.shown = choose_shown(name, group.siblings, &dot, nullptr);
}

bool differs(const Group& group) noexcept {
  return std::any_of(group.siblings.begin(), group.siblings.end(),
                     [&](const Sibling& s) { return s.value != group.siblings.front().value; });
}

bool same_state(const RootState& a, const RootState& b) noexcept {
  return a.context == b.context &&
         std::equal(a.groups.begin(), a.groups.end(), b.groups.begin(), b.groups.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.shown == y.second.shown &&
                             std::equal(x.second.siblings.begin(), x.second.siblings.end(), y.second.siblings.begin(),
                                        y.second.siblings.end(),
                                        [](const Sibling& p, const Sibling& q) { return p.dot == q.dot; });
                    });
}

std::string conflict_id(const RootKey& root, const GroupName& group, const Group& contents) {
  std::string name = root.table;
  for (const std::string& part : {root.key, group, to_string(contents.siblings.front().dot)}) {
    name.push_back('\0');
    name += part;
  }
  return to_hex(sha256(name)).substr(0, 20);
}

}  // namespace omrsync::conflict
