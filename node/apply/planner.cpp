#include "node/apply/planner.h"

#include <algorithm>

namespace omrsync::node {
namespace {

const Sibling* find(const Group& group, const Dot& dot) {
  for (const Sibling& s : group.siblings)
    if (s.dot == dot) return &s;
  return nullptr;
}

const GroupValue* held_value(const std::vector<StandingGroup>& standing, const GroupName& name) {
  const auto place = std::find_if(standing.begin(), standing.end(), [&](const auto& g) { return g.name == name; });
  return place == standing.end() ? nullptr : &place->value;
}

std::uint64_t held_hash(const RootBefore& before, const GroupName& name) {
  if (!before.content) return 0;
  const auto held = before.content->groups.find(name);
  return held == before.content->groups.end() ? 0 : held->second.hash;
}

PlannedGroup plan_group(const RootBefore& before, const std::vector<StandingGroup>& standing, const GroupName& name,
                        const Group& group) {
  PlannedGroup planned;
  planned.name = name;
  for (const StandingGroup& held : standing)
    if (held.name == name) {
      planned.stood = true;
      planned.load_dot = held.load_dot;
    }
  planned.target = group.shown;
  if (before.from_below && !before.incoming.empty())
    if (const auto winner = decide(before.kind, name, group)) {
      planned.target = *winner;
      planned.decided = true;
    }
  planned.differs = !planned.decided && !is_bookkeeping(name) && conflict::differs(group);
  planned.hash = held_hash(before, name);
  return planned;
}

/// True when a sibling that came lost to a decision of ours.
bool overruled(const RootPlan& plan, const std::vector<const RootState*>& incoming) {
  return std::any_of(plan.planned.groups.begin(), plan.planned.groups.end(), [&](const PlannedGroup& group) {
    if (!group.decided || is_bookkeeping(group.name)) return false;
    return std::any_of(incoming.begin(), incoming.end(), [&](const RootState* state) {
      const auto sent = state->groups.find(group.name);
      return sent != state->groups.end() && find(sent->second, group.target) == nullptr;
    });
  });
}

Outcome::State outcome_of(const RootPlan& plan, const RootBefore& before, const RootState& joined) {
  for (const PlannedGroup& group : plan.planned.groups)
    if (group.differs) return Outcome::State::conflict;
  if (!plan.changes) return Outcome::State::duplicate;
  if (overruled(plan, before.incoming)) return Outcome::State::theirs;
  if (before.content && !before.incoming.empty() && !conflict::same_state(joined, *before.incoming.back())) return Outcome::State::merged;
  return Outcome::State::applied;
}

}  // namespace

RootState join_all(RootState here, const std::vector<const RootState*>& incoming, bool shown_from_above) {
  for (const RootState* state : incoming) {
    const bool from_above = shown_from_above && state == incoming.back();
    here = conflict::join(here, *state, from_above ? conflict::ShownBy::theirs : conflict::ShownBy::mine);
  }
  return here;
}

RootPlan plan_root(const RootBefore& before, const LoadDots& dots) {
  RootPlan plan;
  plan.planned.root = plan.write.root = before.root;
  plan.planned.existed = before.content.has_value();
  std::vector<StandingGroup> standing;
  const LedgerRow* row = before.row ? &*before.row : nullptr;
  if (before.content) standing = standing_groups(before.root, row, *before.content, dots);
  RootState here;
  if (row != nullptr || before.content) here = materialise(row, standing);
  const RootState joined = join_all(here, before.incoming, before.newest_from_above);
  plan.changes = !conflict::same_state(here, joined);

  bool purged = true;
  for (const auto& [name, group] : joined.groups) {
    plan.planned.groups.push_back(plan_group(before, standing, name, group));
    if (name == kLifeGroup) purged = !find(group, plan.planned.groups.back().target)->value;
  }
  plan.planned.purged = purged;
  for (PlannedGroup& planned : plan.planned.groups) {
    const Sibling& target = *find(joined.groups.at(planned.name), planned.target);
    const GroupValue* held = held_value(standing, planned.name);
    planned.written = purged ? held != nullptr : (held == nullptr ? target.value.has_value() : target.value != *held);
    if (planned.written) planned.hash = 0;
    if (planned.written && !purged) plan.write.groups[planned.name] = target.value;
    plan.changes = plan.changes || planned.decided;
  }
  if (!purged)
    for (const StandingGroup& held : standing)
      if (!joined.groups.contains(held.name)) plan.write.groups[held.name] = std::nullopt;
  plan.write.purge = purged && before.content.has_value();
  plan.writes = plan.write.purge || !plan.write.groups.empty();
  plan.outcome = outcome_of(plan, before, joined);
  return plan;
}

}  // namespace omrsync::node
