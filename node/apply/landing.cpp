#include "node/apply/landing.h"

#include <algorithm>
#include <functional>
#include <map>

#include "node/apply/keeping.h"
#include "node/apply/landing_parts.h"
#include "node/apply/planner.h"
#include "node/ledger/local.h"
#include "node/plant.h"
#include "node/ship/offer.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

ChangesByRoot by_root(const ports::LogPiece* piece) {
  ChangesByRoot changes;
  if (piece != nullptr)
    for (const ports::RootChange& change : piece->roots) changes.emplace(change.root, &change);
  return changes;
}

struct Came {
  std::string link;
  LinkLife life;
  std::uint64_t rank = 0;  ///< shown_rank
  Dot set;
  RootState state;
  bool load = false;
};

Sibling* find(Group& group, const Dot& dot) {
  for (Sibling& s : group.siblings)
    if (s.dot == dot) return &s;
  return nullptr;
}

/// The standing sibling that our transaction wrote over has its value in the before image, and nowhere else (D7b, R4).
void save_overwritten(RootState& joined, const std::optional<LedgerRow>& row, const RootState& before,
                      const PlannedGroup& planned, bool purged, const ports::GroupChange* change) {
  if (OMRSYNC_PLANTED(no_before_images)) return;
  const auto stood = before.groups.find(planned.name);
  const auto group = joined.groups.find(planned.name);
  if (stood == before.groups.end() || group == joined.groups.end()) return;
  std::optional<Dot> standing = stood->second.shown;
  if (row)
    if (const auto listed = row->groups.find(planned.name); listed != row->groups.end())
      standing = listed->second.standing;
  if (!standing) return;  // what stood there was nobody's: a stale save that is put right
  Sibling* s = find(group->second, *standing);
  if (s == nullptr || !s->value || (!purged && *standing == planned.target)) return;
  if (change != nullptr) {
    if (change->before_value) s->value = *change->before_value;
  } else if (const Sibling* target = find(group->second, planned.target); target != nullptr && !planned.written) {
    s->value = target->value;  // the same value under another dot: nothing had to be written
  }
}

/// Values that only the incoming side knows.
void fill_values(RootState& joined, const std::vector<Came>& came) {
  for (const Came& one : came)
    for (const auto& [name, sent] : one.state.groups) {
      const auto group = joined.groups.find(name);
      if (group == joined.groups.end()) continue;
      for (const Sibling& s : sent.siblings)
        if (Sibling* kept = find(group->second, s.dot); kept != nullptr && s.value) kept->value = s.value;
    }
}

/// Which sibling the database holds, per group, once the transaction is done.
Result<std::map<GroupName, Dot>> standing_after(Landing& landing, const std::optional<LedgerRow>& row,
                                                const PlannedRoot& planned, RootState& joined) {
  std::map<GroupName, Dot> standing;
  for (const auto& [name, group] : joined.groups) {
    if (row)
      if (const auto listed = row->groups.find(name); listed != row->groups.end() && listed->second.standing)
        standing[name] = *listed->second.standing;
  }
  for (const PlannedGroup& group : planned.groups) {
    if (planned.purged && group.name != kLifeGroup) {
      standing.erase(group.name);
      continue;
    }
    const auto place = joined.groups.find(group.name);
    if (place != joined.groups.end() && find(place->second, group.target) != nullptr) {
      standing[group.name] = group.target;
    } else if (!planned.purged && group.hash != 0) {
      // What we wrote was superseded between the plan and the log: it stands there all the same, under a dot of its
      // own.
      OMRSYNC_TRY(dot, landing.own_dot());
      conflict::write(joined, group.name, {dot, {}, landing.stamp(), GroupValue{}}, nullptr);
      standing[group.name] = dot;
    }
  }
  return standing;
}

/// Rows in our transaction that are not what we wrote: a trigger of the site. A local change like any other. Only where
/// an owned row came back that was deleted, and a group of it that nobody brought has its default now, it has seen the
/// deletion.
Status take_deviations(Landing& landing, const PlannedRoot& planned, std::optional<LedgerRow>& row) {
  const ports::RootChange* change = change_of(landing, planned.root);
  if (change == nullptr || planned.purged) return Done{};
  for (const bool back : {false, true}) {
    ports::RootChange deviation{planned.root, change->local_id, ports::RootChange::Kind::written, {}};
    for (const PlannedGroup& group : planned.groups) {
      const ports::GroupChange* seen = change_of(change, group.name);
      if (seen == nullptr || seen->after.value_or(0) == group.hash) continue;
      const bool comes_back = group.hash == 0 && group.name.find('#') != std::string::npos;
      if (comes_back != back) continue;
      deviation.groups.push_back({group.name, group.hash == 0 ? std::nullopt : std::optional(group.hash), seen->after,
                                  std::nullopt, seen->after_value});
    }
    if (deviation.groups.empty()) continue;
    OMRSYNC_TRY(dot, landing.own_dot());
    LocalWrite write{dot, {}, landing.stamp(), landing.at_ms, landing.position};
    write.has_seen = back;
    (void)take_local(planned.root, row, deviation, write, landing.world.dots);
  }
  return Done{};
}

void note_overwritten(const Landing& landing, const PlannedRoot& planned, LedgerRow& row) {
  if (OMRSYNC_PLANTED(replaced_forgotten)) return;
  const ports::RootChange* change = change_of(landing, planned.root);
  for (const PlannedGroup& group : planned.groups) {
    if (!group.written) continue;
    const ports::GroupChange* seen = change_of(change, group.name);
    if (seen == nullptr) continue;
    // Nobody can hold a stale copy of a root that was not there.
    if (planned.existed) note_replaced(row, group.name, seen->before.value_or(0), landing.at_ms, true);
  }
}

Status tell_change(Landing& landing, const PlannedRoot& planned, const RootState& joined,
                   const std::vector<Came>& came) {
  const Came& last = came.back();
  const bool above = last.link == kParentLink;
  const Via via{last.link, last.life, conflict::same_state(joined, last.state), last.load};
  const bool past = last.link == kPastLink;  // nobody's any more: everybody is told
  OMRSYNC_CHECK(
      log_change(landing.tx, landing.world, planned.root, last.set, past ? std::nullopt : std::optional(via)));
  if (!above || !via.whole) landing.changed.push_back(planned.root);
  return Done{};
}

/// Nothing came: what changed is a write of ours.
Status tell_own(Landing& landing, const PlannedRoot& planned) {
  OMRSYNC_TRY(dot, landing.own_dot());
  landing.tells = true;
  landing.changed.push_back(planned.root);
  return log_change(landing.tx, landing.world, planned.root, dot, std::nullopt);
}

/// The root was to be purged and stays, voided or retired: said as a write of ours that has seen the tombstone, so that
/// it comes back wherever it was deleted (D30).
Status land_kept(Landing& landing, PlannedRoot& planned, const std::optional<LedgerRow>& row, const RootState& before,
                 RootState& joined) {
  const std::optional<Dot> tombstone = tombstone_of(joined);
  if (OMRSYNC_PLANTED(kept_in_silence)) return Done{};
  if (!tombstone) return Done{};  // superseded between the plan and the log
  OMRSYNC_TRY(dot, landing.own_dot());
  const auto stands = keep_state(joined, row, before, planned.holds, {dot, {}, landing.stamp(), GroupValue{}});
  LedgerRow after = row ? *row : LedgerRow{};
  remember(after, joined, stands);
  after.hashes = planned.holds;
  after.partial = after.as_above = false;
  after.set_changed_at(landing.position);
  if (const ports::GroupChange* life = change_of(change_of(landing, planned.root), kLifeGroup))
    note_replaced(after, kLifeGroup, life->before.value_or(0), landing.at_ms, true);
  OMRSYNC_CHECK(put_ledger_row(landing.tx, planned.root, after));
  OMRSYNC_CHECK(note_repair(landing.tx, planned.root, after));
  OMRSYNC_CHECK(log_change(landing.tx, landing.world, planned.root, dot, std::nullopt));
  landing.changed.push_back(planned.root);
  landing.tells = true;
  for (PlannedGroup& group : planned.groups)
    if (group.name == kLifeGroup) group.differs = joined.groups.at(kLifeGroup).siblings.size() > 1;
  OMRSYNC_CHECK(note_conflicts(landing, planned, joined, {row, before}, false));
  if (!planned.referrers.empty()) {
    OMRSYNC_TRY(id, open_dangling(landing.tx, landing.world, planned.root, *tombstone, planned.referrers));
    landing.conflicts.push_back(id);
  }
  return release_waiting(landing.tx, planned.root);
}

/// A root that was purged here and is there again stays only as long as something refers to it: the root-most node,
/// which purges anew, lists it too. One whose life was written anew, or that is purged for good, dangles no longer
/// (D30).
Status note_life(Landing& landing, const PlannedRoot& planned, const RootState& before) {
  const auto life = std::find_if(planned.groups.begin(), planned.groups.end(),
                                 [](const PlannedGroup& group) { return group.name == kLifeGroup; });
  if (life == planned.groups.end()) return Done{};
  const std::optional<Dot> tombstone = planned.existed ? std::nullopt : tombstone_of(before);
  if (tombstone && !planned.purged && !life->decided && !landing.world.has_parent) {
    OMRSYNC_TRY(id, open_dangling(landing.tx, landing.world, planned.root, *tombstone, {}));
    landing.conflicts.push_back(id);
    return Done{};
  }
  return life->written || planned.purged ? close_dangling(landing.tx, landing.world, planned.root, "write")
                                         : Status{Done{}};
}

Status land_root(Landing& landing, PlannedRoot planned, const std::vector<Came>& came) {
  OMRSYNC_TRY(row, ledger_row(landing.tx, planned.root));
  std::vector<StandingGroup> standing;
  for (const PlannedGroup& group : planned.groups)
    if (group.stood) standing.push_back({group.name, group.load_dot, {}});
  RootState before;
  if (row || planned.existed) before = materialise(row ? &*row : nullptr, standing);
  std::vector<const RootState*> incoming;
  for (const Came& one : came) incoming.push_back(&one.state);
  const bool above = !came.empty() && came.back().link == kParentLink;
  const bool newest = above && came.back().rank > (row ? row->shown_number : 0);
  RootState joined = join_all(before, incoming, newest);
  fill_values(joined, came);
  if (planned.kept) return land_kept(landing, planned, row, before, joined);
  const ports::RootChange* change = change_of(landing, planned.root);
  for (PlannedGroup& group : planned.groups)
    save_overwritten(joined, row, before, group, planned.purged, change_of(change, group.name));
  for (PlannedGroup& group : planned.groups)
    if (group.decided && joined.groups.contains(group.name))
      OMRSYNC_CHECK(decide_group(landing, planned.root, joined, group));
  OMRSYNC_CHECK(note_unseen_end(landing, joined, planned));
  const bool first_contact = !row || row->loaded;
  OMRSYNC_TRY(stands, standing_after(landing, row, planned, joined));
  const bool changed = !conflict::same_state(before, joined);
  const bool written =
      std::any_of(planned.groups.begin(), planned.groups.end(), [](const auto& g) { return g.written; });
  if (!changed && !written && !came.empty()) return Done{};

  LedgerRow after = row ? *row : LedgerRow{};
  remember(after, joined, stands);
  if (planned.purged) {
    after.hashes.clear();
    after.residue.clear();
    after.as_database = true;
  } else {
    for (const PlannedGroup& group : planned.groups) {
      if (group.hash != 0)
        after.hashes[group.name] = group.hash;
      else
        after.hashes.erase(group.name);
      if (group.written) after.residue.erase(group.name);
    }
    for (const auto& [name, cells] : planned.residue) after.residue[name] = cells;
  }
  after.partial = after.partial && row.has_value();
  if (newest) after.shown_number = came.back().rank;
  if (!came.empty()) after.as_above = above && conflict::same_state(joined, came.back().state);
  after.set_changed_at(landing.position);
  note_overwritten(landing, planned, after);
  std::optional<LedgerRow> taken = std::move(after);
  OMRSYNC_CHECK(take_deviations(landing, planned, taken));
  OMRSYNC_CHECK(put_ledger_row(landing.tx, planned.root, *taken));
  OMRSYNC_CHECK(note_repair(landing.tx, planned.root, *taken));
  if (changed) OMRSYNC_CHECK(came.empty() ? tell_own(landing, planned) : tell_change(landing, planned, joined, came));
  OMRSYNC_CHECK(note_conflicts(landing, planned, joined, {row, before}, first_contact));
  OMRSYNC_CHECK(note_collisions(landing, planned));
  OMRSYNC_CHECK(note_life(landing, planned, before));
  if (changed) OMRSYNC_CHECK(release_overtaken(landing.tx, planned.root));
  if (planned.purged) return Done{};
  for (const PlannedGroup& group : planned.groups)
    if (group.written && !group.stood) OMRSYNC_CHECK(release_waiting_for_owned(landing.tx, group.name));
  return release_waiting(landing.tx, planned.root);
}

}  // namespace

void no_longer_flies(const ApplyPlan& plan, Shared& shared) {
  shared.progress.with([&](Progress& progress) {
    for (const PlannedRoot& root : plan.roots) progress.in_flight.erase(root.root);
    for (const PlannedItem& item : plan.items) progress.committed.erase(item.inbox_key);
  });
  shared.applied.with([&](auto& applied) {  // where nothing landed; another set may come under that number
    for (const PlannedItem& item : plan.items) applied.erase(item.inbox_key);
  });
}

Result<RootStates> inbox_states(StoreTransaction& tx, const World& world, const std::string& inbox_key) {
  OMRSYNC_TRY(bytes, tx.get(tables::kInboxBody, inbox_key));
  RootStates states;
  if (!bytes) return states;
  OMRSYNC_TRY(envelope, decode_envelope(*bytes));
  states.reserve(envelope.entries.size());
  for (const Entry& entry : envelope.entries) {
    OMRSYNC_TRY(state, state_of(entry, world.codec, world.dots));
    states.emplace_back(entry.root, std::move(state));
  }
  return states;
}

namespace {

/// As apply read them, while it is this process that did.
Result<RootStates> applied_states(StoreTransaction& tx, const World& world, const std::string& inbox_key) {
  auto read = world.shared.applied.with([&](auto& applied) { return applied.extract(inbox_key); });
  if (!read.empty()) return std::move(read.mapped());
  return inbox_states(tx, world, inbox_key);
}

}  // namespace

Status tell_outcome(StoreTransaction& tx, const std::string& link, Outcome outcome) {
  if (link == kParentLink || link == kPastLink) return Done{};
  OMRSYNC_TRY(record, link_record(tx, link));
  outcome.sequence = record.next_outcome++;
  Receipt receipt;
  receipt.outcomes.push_back(outcome);
  OMRSYNC_CHECK(tx.put(tables::kOutcomes, link_key(link, outcome.sequence), encode(receipt)));
  return put_link(tx, link, record);
}

Status finish_item(StoreTransaction& tx, const World& world, const std::string& inbox_key, const Outcome& outcome) {
  OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, inbox_key));
  if (!item) return Done{};
  const LinkPlace place = link_place(inbox_key);
  OMRSYNC_CHECK(tx.erase(tables::kInbox, inbox_key, ports::after(inbox_key)));
  OMRSYNC_CHECK(tx.erase(tables::kInboxBody, inbox_key, ports::after(inbox_key)));
  OMRSYNC_CHECK(leave_places(tx, *item, inbox_key));
  OMRSYNC_TRY(counted, take_number(tx, std::string("outcome_") + to_string(outcome.state)));
  (void)counted;
  Outcome told = outcome;
  told.number = place.number;
  // A container whose bad entries were set apart (parts) is told once, when its main part ends.
  if (place.part == 0) OMRSYNC_CHECK(tell_outcome(tx, place.link, told));
  std::string record = R"({"act":"set","at_ms":)" + std::to_string(world.clock.utc().count()) + R"(,"set":")" +
                       to_string(item->set) + R"(","link":")" + place.link + R"(","number":)" +
                       std::to_string(place.number) + R"(,"part":)" + std::to_string(place.part) + R"(,"roots":)" +
                       std::to_string(item->roots.size()) + R"(,"outcome":")" + to_string(outcome.state) + "\"";
  if (outcome.code != 0) record += R"(,"code":")" + to_string(static_cast<Code>(outcome.code)) + "\"";
  for (const std::string& id : outcome.conflicts) record += R"(,"conflict":")" + id + "\"";
  return append_audit(tx, record + "}");
}

Status land(StoreTransaction& tx, const World& world, const ApplyPlan& plan, const ports::LogPiece* piece,
            const ports::LogPosition& position) {
  Landing landing{tx, world, position, by_root(piece), 0, 0, {}, {}, false, {}};
#ifdef OMRSYNC_PLANT
  landing.sequence = plan.early_sequence;
#endif
  landing.at_ms = piece != nullptr ? piece->committed_at.count() : world.clock.utc().count();
  std::map<RootKey, std::vector<Came>> came;
  OfferedSet offered;
  for (const PlannedItem& item : plan.items) {
    OMRSYNC_TRY(record, get_record<InboxItem>(tx, tables::kInbox, item.inbox_key));
    if (!record) continue;
    OMRSYNC_TRY(states, applied_states(tx, world, item.inbox_key));
    const LinkPlace place = link_place(item.inbox_key);
    OMRSYNC_TRY(rank, shown_rank(tx, place.link, place.number));
    OMRSYNC_TRY(link, link_record(tx, place.link));
    offered.set = record->set;
    offered.load = record->load;
    for (const auto& [root, state] : states) OMRSYNC_CHECK(note_writers(landing, place.link, state.context));
    for (auto& [root, state] : states)
      came[root].push_back({place.link, link.life, rank, record->set, std::move(state), record->load});
  }
  for (const PlannedRoot& root : plan.roots)
    if (plan.items.empty() || came.contains(root.root)) OMRSYNC_CHECK(land_root(landing, root, came[root.root]));
  if (!landing.changed.empty() && !OMRSYNC_PLANTED(merges_kept_back)) {
    offered.roots = landing.changed;
    offered.stamp = landing.stamp();
    if (landing.tells) {
      OMRSYNC_TRY(dot, landing.own_dot());
      offered.set = dot;
      offered.load = false;
    }
    OMRSYNC_CHECK(offer_set(tx, world, offered));
  }
  for (const PlannedItem& item : plan.items) {
    Outcome outcome;
    outcome.state = item.outcome;
    if (item.outcome == Outcome::State::conflict) outcome.conflicts = landing.conflicts;
    OMRSYNC_CHECK(finish_item(tx, world, item.inbox_key, outcome));
  }
  return Done{};
}

}  // namespace omrsync::node
