// Conflicts and decisions of the roots that land.
#include <algorithm>

#include "conflict/decision.h"
#include "conflict/join.h"
#include "conflict/unseen_end.h"
#include "node/apply/landing_parts.h"
#include "node/decide/collisions.h"
#include "node/decide/conflicts.h"
#include "node/decide/view.h"

namespace omrsync::node {

const ports::RootChange* change_of(const Landing& landing, const RootKey& root) {
  const auto found = landing.changes.find(root);
  return found == landing.changes.end() ? nullptr : found->second;
}

const ports::GroupChange* change_of(const ports::RootChange* change, const GroupName& name) {
  if (change == nullptr) return nullptr;
  for (const ports::GroupChange& group : change->groups)
    if (group.group == name) return &group;
  return nullptr;
}

Status note_writers(Landing& landing, const std::string& link, const Context& context) {
  Context fresh;
  for (const auto& [actor, sequence] : context.highest)
    if (landing.writers.emplace(link, actor.node).second) fresh.highest.emplace(actor, sequence);
  return note_origins(landing.tx, landing.world.identity.node, link, fresh);
}

Status decide_group(Landing& landing, const RootKey& root, RootState& joined, PlannedGroup& planned) {
  OMRSYNC_TRY(dot, landing.own_dot());
  std::vector<Dot> seen;
  Group over;
  for (const RecordedSide& side : planned.over) {
    seen.push_back(side.sibling.dot);
    over.siblings.push_back(side.sibling);
  }
  if (auto note = conflict::decode_note(planned.note)) {
    OMRSYNC_TRY(open, open_conflict_of(landing.tx, root, planned.name));
    if (note->conflict.empty()) note->conflict = open ? *open : conflict::conflict_id(root, planned.name, over);
    planned.note = conflict::encode(*note);
  }
  Sibling decided = planned.taken.sibling;
  decided.dot = planned.taken.sibling.dot = planned.target = dot;
  if (decided.stamp == Stamp{}) decided.stamp = planned.taken.sibling.stamp = landing.stamp();
  decided.decision = planned.note;
  conflict::decide(joined, planned.name, std::move(decided), seen);
  if (planned.request.empty()) return Done{};
  landing.tells = true;
  return landing.tx.erase(tables::kDecisions, planned.request, ports::after(planned.request));
}

Status note_unseen_end(Landing& landing, RootState& joined, PlannedRoot& planned) {
  const auto life = joined.groups.find(kLifeGroup);
  if (!planned.beside_end || life == joined.groups.end() || life->second.siblings.size() != 1) return Done{};
  OMRSYNC_TRY(dot, landing.own_dot());
  conflict::stand_beside_end(joined, *planned.beside_end, dot);
  for (PlannedGroup& group : planned.groups) group.differs = group.differs || group.name == kLifeGroup;
  return Done{};
}

Status note_collisions(Landing& landing, const PlannedRoot& planned) {
  if (const ports::RootChange* change = change_of(landing, planned.root))
    OMRSYNC_CHECK(close_collisions(landing.tx, landing.world, *change));
  for (const auto& [group, other] : planned.collisions) {
    OMRSYNC_TRY(id, open_collision(landing.tx, landing.world, planned.root, group, other));
    landing.conflicts.push_back(id);
  }
  return Done{};
}

namespace {

std::vector<RecordedSide> sides_before(const Landing& landing, const RootKey& root, const Was& was,
                                       const GroupName& name) {
  const auto group = was.before.groups.find(name);
  if (group == was.before.groups.end()) return {};
  std::optional<Dot> standing = group->second.shown;
  if (was.row)
    if (const auto listed = was.row->groups.find(name); listed != was.row->groups.end())
      standing = listed->second.standing;
  const ports::GroupChange* change = change_of(change_of(landing, root), name);
  return sides_of(group->second, standing, change == nullptr ? std::nullopt : change->before_value);
}

/// The decision that a group shows, if it came with this landing.
const Sibling* fresh_decision(const Group* group, const Was& was, const GroupName& name) {
  if (group == nullptr) return nullptr;
  const Sibling* shown = nullptr;
  for (const Sibling& s : group->siblings)
    if (s.dot == group->shown && !s.decision.empty()) shown = &s;
  if (shown == nullptr) return nullptr;
  const auto before = was.before.groups.find(name);
  const bool known =
      before != was.before.groups.end() && std::any_of(before->second.siblings.begin(), before->second.siblings.end(),
                                                       [&](const Sibling& s) { return s.dot == shown->dot; });
  return known ? nullptr : shown;
}

/// A group whose siblings differ: its conflict is open. Where the policy names a program it is asked next.
Status note_open(Landing& landing, const PlannedRoot& planned, const PlannedGroup& group, const Group& contents,
                 const Opening& opening) {
  OMRSYNC_TRY(id, open_conflict(landing.tx, landing.world, planned.root, group.name, contents, opening));
  landing.conflicts.push_back(id);
  if (group.ask.empty()) return Done{};
  DecisionRequest request;
  request.by = DecisionRequest::By::program;
  request.conflict = id;
  request.root = planned.root;
  request.group = group.name;
  request.program = group.ask;
  request.note = group.note;
  request.asked_ms = landing.world.clock.utc().count();
  return put_record(landing.tx, tables::kDecisions, id, request);
}

}  // namespace

Status note_conflicts(Landing& landing, const PlannedRoot& planned, const RootState& joined, const Was& was,
                      bool first_contact) {
  OMRSYNC_TRY(in_conflict, groups_in_conflict(landing.tx, planned.root));
  for (const PlannedGroup& group : planned.groups) {
    if (is_bookkeeping(group.name)) continue;
    const auto place = joined.groups.find(group.name);
    const Group* contents = place == joined.groups.end() ? nullptr : &place->second;
    Opening opening{first_contact ? "first-contact" : "field", planned.root_class};
    opening.base = group.base;
    if (group.differs && contents != nullptr && contents->siblings.size() > 1) {
      if (const auto note = conflict::decode_note(group.note); note && !group.decided) {
        opening.policy = note->policy;
        opening.rule = note->rule + (note->reason.empty() ? "" : ": " + note->reason);
      }
      OMRSYNC_CHECK(note_open(landing, planned, group, *contents, opening));
    } else if (const Sibling* decision = fresh_decision(contents, was, group.name)) {
      const auto note = conflict::decode_note(decision->decision);
      if (!note) continue;
      auto sides = group.decided ? group.over : sides_before(landing, planned.root, was, group.name);
      RecordedSide taken{*decision, true, true};
      if (group.decided) taken.sibling.value = group.taken.sibling.value;
      OMRSYNC_CHECK(note_decision(landing.tx, landing.world, planned.root, group.name, *note, std::move(sides),
                                  std::move(taken), opening));
    } else if (in_conflict.contains(group.name)) {
      OMRSYNC_CHECK(close_conflict(landing.tx, landing.world, planned.root, group.name,
                                   sides_before(landing, planned.root, was, group.name), "write"));
    }
  }
  return Done{};
}

}  // namespace omrsync::node
