#include "conflict/unseen_end.h"

#include <algorithm>

#include "protocol/cells.h"

namespace omrsync::conflict {
namespace {

const Sibling* shown_life(const RootState& state) {
  const auto life = state.groups.find(kLifeGroup);
  if (life == state.groups.end()) return nullptr;
  for (const Sibling& s : life->second.siblings)
    if (s.dot == life->second.shown) return &s;
  return nullptr;
}

bool ends(const Sibling& life) {
  if (!life.value) return true;
  return find_cell(*life.value, "voided") == "1" || find_cell(*life.value, "retired") == "1";
}

/// What `state` holds of other groups and `context` has not seen. What the first load found is nobody's change.
const Sibling* unseen_change(const RootState& state, const Context& context) {
  for (const auto& [name, group] : state.groups) {
    if (name == kLifeGroup || is_bookkeeping(name)) continue;
    for (const Sibling& s : group.siblings)
      if (!s.dot.actor.is_load() && !context.covers(s.dot)) return &s;
  }
  return nullptr;
}

std::optional<Sibling> between(const RootState& ending, const RootState& changing) {
  const Sibling* end = shown_life(ending);
  const Sibling* life = shown_life(changing);
  if (end == nullptr || life == nullptr || !ends(*end) || ends(*life)) return std::nullopt;
  if (changing.context.covers(end->dot)) return std::nullopt;
  const Sibling* change = unseen_change(changing, ending.context);
  if (change == nullptr) return std::nullopt;
  return Sibling{{}, change->author, change->stamp, life->value};
}

}  // namespace

std::optional<Sibling> life_beside_end(const RootState& here, const RootState& came, const RootState& joined) {
  const auto life = joined.groups.find(kLifeGroup);
  if (life == joined.groups.end() || life->second.siblings.size() != 1) return std::nullopt;
  auto beside = between(came, here);
  return beside ? beside : between(here, came);
}

void stand_beside_end(RootState& state, Sibling life, const Dot& dot) {
  life.dot = dot;
  state.context.add(dot);
  auto& siblings = state.groups[kLifeGroup].siblings;
  const auto place =
      std::upper_bound(siblings.begin(), siblings.end(), dot, [](const Dot& d, const Sibling& s) { return d < s.dot; });
  siblings.insert(place, std::move(life));
}

}  // namespace omrsync::conflict
