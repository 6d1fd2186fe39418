#include "node/capture/take_piece.h"

#include <algorithm>
#include <functional>
#include <set>

#include "node/apply/keeping.h"
#include "node/apply/landing.h"
#include "node/decide/collisions.h"
#include "node/decide/conflicts.h"
#include "node/ledger/local.h"
#include "node/plant.h"
#include "node/ship/offer.h"
#include "node/store/facts.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

/// A write of ours met one from elsewhere: apply looks what the policy says of it.
Status ask_policy(StoreTransaction& tx, const World& world, const RootKey& root, const GroupName& group,
                  const std::string& id) {
  DecisionRequest request;
  request.by = DecisionRequest::By::policy;
  request.conflict = id;
  request.root = root;
  request.group = group;
  request.asked_ms = world.clock.utc().count();
  return put_record(tx, tables::kDecisions, id, request);
}

Status note_effects(StoreTransaction& tx, const World& world, const RootKey& root, const LedgerRow& row,
                    const LocalEffect& effect) {
  for (const GroupName& name : effect.conflicts) {
    const auto group = row.groups.find(name);
    if (group == row.groups.end()) continue;
    OMRSYNC_TRY(id, open_conflict(tx, world, root, name, group->second.group, {}));
    OMRSYNC_CHECK(ask_policy(tx, world, root, name, id));
  }
  for (const LocalEffect::Settled& each : effect.settled)
    OMRSYNC_CHECK(close_conflict(tx, world, root, each.group, sides_of(each.were, each.standing, each.stood), "write"));
  const auto audit = [&](const std::vector<GroupName>& groups, const char* act) -> Status {
    for (const GroupName& name : groups)
      OMRSYNC_CHECK(append_audit(tx, std::string(R"({"act":")") + act + R"(","at_ms":)" +
                                         std::to_string(world.clock.utc().count()) + R"(,"table":")" + root.table +
                                         R"(","root":")" + root.key + R"(","group":")" + name + "\"}"));
    return Done{};
  };
  OMRSYNC_CHECK(audit(effect.put_back, "merged (stale write-back)"));
  OMRSYNC_CHECK(audit(effect.perhaps_unseen, "perhaps unseen"));
  return Done{};
}

/// A change of the log with the row that the ledger had before it.
struct Met {
  const ports::RootChange* change;
  std::optional<LedgerRow> row;
};

Status take_root(StoreTransaction& tx, const World& world, Met& met, const LocalWrite& write, bool ours) {
  const ports::RootChange& change = *met.change;
  const LocalEffect effect = take_local(change.root, met.row, change, write, world.dots);
  const LedgerRow& row = *met.row;
  OMRSYNC_CHECK(put_ledger_row(tx, change.root, row));
  OMRSYNC_CHECK(note_repair(tx, change.root, row));
  OMRSYNC_CHECK(log_change(tx, world, change.root, write.dot, std::nullopt));
  OMRSYNC_CHECK(note_effects(tx, world, change.root, row, effect));
  OMRSYNC_CHECK(close_collisions(tx, world, change));
  const bool purged = change.kind == ports::RootChange::Kind::purged;
  if (purged || std::any_of(change.groups.begin(), change.groups.end(),
                            [](const ports::GroupChange& group) { return group.group == kLifeGroup; }))
    OMRSYNC_CHECK(close_dangling(tx, world, change.root, ours ? "rule" : "write"));
  if (purged) return Done{};
  for (const ports::GroupChange& group : change.groups)
    if (!group.before && group.after) OMRSYNC_CHECK(release_waiting_for_owned(tx, group.group));
  return release_waiting(tx, change.root);
}

Result<std::vector<Met>> meet(StoreTransaction& tx, const ports::LogPiece& piece) {
  std::vector<Met> all;
  all.reserve(piece.roots.size());
  for (const ports::RootChange& change : piece.roots) {
    OMRSYNC_TRY(row, ledger_row(tx, change.root));
    all.push_back({&change, std::move(row)});
  }
  return all;
}

Status take_changes(StoreTransaction& tx, const World& world, const ports::LogPiece& piece, std::vector<Met> all,
                    bool beside = false) {
  OMRSYNC_TRY(sequence, take_number(tx, "sequence"));
  const std::int64_t at = piece.committed_at.count();
  const LocalWrite write{{world.identity.actor(), sequence}, piece.author, world.stamp(at), at, piece.position,
                         world.unseen_window.count(),        beside};
  OfferedSet offered{write.dot, piece.position.piece, piece.author, write.stamp, {}};
  for (Met& met : all) {
    OMRSYNC_CHECK(take_root(tx, world, met, write, !piece.marker_key.empty()));
    offered.roots.push_back(met.change->root);
  }
  return offer_set(tx, world, offered);
}

Status take_local_piece(StoreTransaction& tx, const World& world, const ports::LogPiece& piece, bool beside = false) {
  if (piece.roots.empty()) return Done{};
  OMRSYNC_TRY(all, meet(tx, piece));
  ports::LogPiece missed;
  missed.position = piece.position;
  missed.committed_at = piece.committed_at;
  for (const Met& met : all)
    if (auto change = met.row ? missed_change(*met.row, *met.change) : std::nullopt)
      missed.roots.push_back(std::move(*change));
  if (!missed.roots.empty()) {  // a dot of its own for what no log showed, before anything is taken under ours (R7)
    OMRSYNC_TRY(before, meet(tx, missed));
    OMRSYNC_CHECK(take_changes(tx, world, missed, std::move(before)));
    OMRSYNC_TRY(again, meet(tx, piece));
    all = std::move(again);
  }
  return take_changes(tx, world, piece, std::move(all), beside);
}

/// Our own transaction, in this life of ours. A set whose inbox item is gone was taken by a store that is lost: what
/// the transaction wrote stands beside what this one holds (R37).
Result<bool> knows_marker(StoreTransaction& tx, const World& world, const ApplyPlan& plan) {
  if (OMRSYNC_PLANTED(echoes)) return false;
  if (plan.by != world.identity.actor()) return false;
  for (const PlannedItem& item : plan.items) {
    OMRSYNC_TRY(bytes, tx.get(tables::kInbox, item.inbox_key));
    if (bytes) return true;
  }
  return plan.items.empty();  // a repair
}

/// Rows that our transaction changed beside its plan: a trigger of the site wrote them.
Status take_rest(StoreTransaction& tx, const World& world, const ApplyPlan& plan, const ports::LogPiece& piece) {
  std::set<std::reference_wrapper<const RootKey>, std::less<RootKey>> planned;
  for (const PlannedRoot& root : plan.roots) planned.insert(root.root);
  ports::LogPiece rest;
  rest.position = piece.position;
  rest.committed_at = piece.committed_at;
  rest.author = piece.author;
  rest.marker_key = piece.marker_key;
  for (const ports::RootChange& change : piece.roots)
    if (!planned.contains(change.root)) rest.roots.push_back(change);
  return take_local_piece(tx, world, rest);
}

}  // namespace

Result<std::optional<ApplyPlan>> take_piece(StoreTransaction& tx, const World& world, const ports::LogPiece& piece) {
  for (const std::string& table : piece.unlogged_tables)
    OMRSYNC_CHECK(put_record(tx, tables::kUnlogged, table, CaptureRecord{piece.position, piece.committed_at.count()}));
  if (piece.marker_key.empty()) {
    OMRSYNC_CHECK(take_local_piece(tx, world, piece));
    return std::optional<ApplyPlan>{};
  }
  OMRSYNC_TRY(plan, decode_plan(piece.marker_payload));
  OMRSYNC_TRY(known, knows_marker(tx, world, plan));
  if (!known) {
    OMRSYNC_CHECK(take_local_piece(tx, world, piece, plan.by.node == world.identity.node));
  } else {
    OMRSYNC_CHECK(land(tx, world, plan, &piece, piece.position));
    OMRSYNC_CHECK(take_rest(tx, world, plan, piece));
  }
  return std::optional<ApplyPlan>(std::move(plan));
}

Status take_unlogged(StoreTransaction& tx, const World& world, std::vector<ports::RootChange> changes,
                     const ports::LogPosition& position) {
  ports::LogPiece piece;
  piece.position = position;
  piece.position.piece = 0;
  piece.committed_at = world.clock.utc();
  piece.roots = std::move(changes);
  return take_local_piece(tx, world, piece);
}

Status mark_all_unlogged(StoreTransaction& tx, const World& world, const ports::LogPosition& position) {
  OMRSYNC_TRY(tables, world.openmrs.tables());
  for (const ports::RootTable& table : tables)
    OMRSYNC_CHECK(put_record(tx, tables::kUnlogged, table.table, CaptureRecord{position, world.clock.utc().count()}));
  return Done{};
}

}  // namespace omrsync::node
