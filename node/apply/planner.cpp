#include "node/apply/planner.h"

#include <algorithm>

#include "conflict/unseen_end.h"
#include "node/plant.h"
#include "protocol/cells.h"

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

std::string_view date_changed(const Sibling& sibling) {
  if (!sibling.value) return {};
  return find_cell(*sibling.value, "date_changed").value_or(std::string_view{});
}

/// Bookkeeping is no conflict: the later one stays.
std::optional<Choice> latest(const RootBefore& before, const Group& group) {
  if (group.siblings.size() < 2 || !before.from_below || before.incoming.empty()) return std::nullopt;
  const auto last =
      std::max_element(group.siblings.begin(), group.siblings.end(),
                       [](const Sibling& a, const Sibling& b) { return date_changed(a) < date_changed(b); });
  Choice choice;
  choice.over = group.siblings;
  choice.value = last->value;
  choice.author = last->author;
  return choice;
}

/// The value that both sides were written over: it stood here alone, and all that is left came in this plan.
std::optional<std::optional<GroupValue>> base_of(const RootState& here, const GroupName& name, const Group& joined) {
  const auto stood = here.groups.find(name);
  if (stood == here.groups.end() || stood->second.siblings.size() != 1) return std::nullopt;
  const Sibling& alone = stood->second.siblings.front();
  if (find(joined, alone.dot) != nullptr) return std::nullopt;
  return alone.value;
}

/// The decision's value becomes a sibling for the time of planning, where none has it.
Dot target_of(const Choice& choice, Group& group) {
  for (const Sibling& s : choice.over)
    if (s.value == choice.value && find(group, s.dot) != nullptr) return s.dot;
  constexpr Dot kNotYet{{}, 0};
  group.siblings.insert(group.siblings.begin(), Sibling{kNotYet, choice.author, {}, choice.value});
  return kNotYet;
}

void take_choice(PlannedGroup& planned, const Choice& choice, Group& group) {
  planned.note = choice.note;
  planned.ask = choice.ask;
  if (!choice.ask.empty() || choice.left) return;
  planned.decided = true;
  planned.request = choice.request;
  for (const Sibling& s : choice.over) {
    planned.over.push_back({s, true, s.dot == group.shown});
    if (choice.note.empty()) planned.over.back().sibling.value.reset();  // bookkeeping: nobody asks for it again
  }
  planned.taken.sibling = {{}, choice.author, choice.stamp.value_or(Stamp{}), choice.value};
  planned.target = target_of(choice, group);
}

/// Siblings of another value are there that the decision has not seen.
bool still_differs(const PlannedGroup& planned, const Group& group) {
  return std::any_of(group.siblings.begin(), group.siblings.end(), [&](const Sibling& s) {
    const bool seen = std::any_of(planned.over.begin(), planned.over.end(),
                                  [&](const RecordedSide& side) { return side.sibling.dot == s.dot; });
    return !seen && s.value != planned.taken.sibling.value;
  });
}

Result<PlannedGroup> plan_group(const RootBefore& before, const std::vector<StandingGroup>& standing,
                                const RootState& here, RootState& joined, const GroupName& name, Chooser& chooser) {
  Group& group = joined.groups.at(name);
  PlannedGroup planned;
  planned.name = name;
  for (const StandingGroup& held : standing)
    if (held.name == name) {
      planned.stood = true;
      planned.load_dot = held.load_dot;
    }
  planned.target = group.shown;
  planned.hash = held_hash(before, name);
  const bool bookkeeping = is_bookkeeping(name);
  planned.differs = !bookkeeping && conflict::differs(group);
  if (planned.differs) planned.base = base_of(here, name, group);
  std::optional<Choice> choice;
  if (bookkeeping) {
    choice = latest(before, group);
  } else {
    OMRSYNC_TRY(chosen, chooser.choose({before, here, joined, name, planned.base}));
    choice = std::move(chosen);
  }
  if (!choice) return planned;
  take_choice(planned, *choice, group);
  if (planned.decided) planned.differs = !bookkeeping && still_differs(planned, group);
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

Outcome::State outcome_of(const RootPlan& plan, const RootBefore& before, bool is_last) {
  if (plan.planned.beside_end) return Outcome::State::conflict;
  for (const PlannedGroup& group : plan.planned.groups)
    if (group.differs) return Outcome::State::conflict;
  if (!plan.changes) return Outcome::State::duplicate;
  if (overruled(plan, before.incoming)) return Outcome::State::theirs;
  if (before.content && !before.incoming.empty() && !is_last) return Outcome::State::merged;
  return Outcome::State::applied;
}

}  // namespace

RootState join_all(RootState here, const std::vector<const RootState*>& incoming, bool shown_from_above) {
  for (const RootState* state : incoming) {
    const bool from_above = shown_from_above && state == incoming.back();
    const bool theirs = from_above || OMRSYNC_PLANTED(anyone_turns_shown);
    here = conflict::join(here, *state, theirs ? conflict::ShownBy::theirs : conflict::ShownBy::mine);
    if (!OMRSYNC_PLANTED(newest_only)) continue;
    for (auto& [name, group] : here.groups) {
      group.siblings.erase(group.siblings.begin(), group.siblings.end() - 1);
      group.shown = group.siblings.front().dot;
    }
  }
  return here;
}

Result<RootPlan> plan_root(const RootBefore& before, const LoadDots& dots, Chooser& chooser) {
  RootPlan plan;
  plan.planned.root = plan.write.root = before.root;
  plan.planned.existed = before.content.has_value();
  std::vector<StandingGroup> standing;
  const LedgerRow* row = before.row ? &*before.row : nullptr;
  if (before.content) standing = standing_groups(before.root, row, *before.content, dots);
  RootState here;
  if (row != nullptr || before.content) here = materialise(row, standing);
  RootState joined = join_all(here, before.incoming, before.newest_from_above);
  plan.changes = !conflict::same_state(here, joined);
  plan.planned.root_class = before.kind;
  const bool is_last = !before.incoming.empty() && conflict::same_state(joined, *before.incoming.back());

  if (before.kind == ports::RootTable::Class::clinical)
    for (const RootState* came : before.incoming)
      if (auto beside = conflict::life_beside_end(here, *came, joined)) plan.planned.beside_end = std::move(beside);

  bool purged = true;
  for (const auto& [name, group] : joined.groups) {
    OMRSYNC_TRY(planned, plan_group(before, standing, here, joined, name, chooser));
    plan.planned.groups.push_back(std::move(planned));
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
  plan.outcome = outcome_of(plan, before, is_last);
  return plan;
}

}  // namespace omrsync::node
