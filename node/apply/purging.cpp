// Roots that were purged elsewhere and stay here: looked at again, purged anew when nothing refers to them any more
// (D30).
#include <algorithm>

#include "node/apply/apply_worker.h"
#include "node/apply/keeping.h"
#include "node/ledger/local.h"
#include "node/tuning.h"

namespace omrsync::node {

using std::chrono::milliseconds;

Pace ApplyWorker::purge_anew(std::uint64_t arrived) {
  const Pace idle = Pace::until(world_.shared.arrived, arrived, tuning::kApplyIdle);
  const milliseconds now = world_.clock.steady();
  if (now < next_purges_) return idle;
  next_purges_ = now + tuning::kPurgeRetry;
  std::vector<ConflictRecord> records;
  {
    const auto tx = world_.store.read();
    if (!tx) return idle;
    auto some = dangling_after(**tx, purges_after_, tuning::kPurgeRetries);
    if (!some) return idle;
    records = std::move(*some);
  }
  purges_after_ =
      records.size() < tuning::kPurgeRetries ? std::string() : tables::root_and(records.back().root, kDanglingParent);
  for (const ConflictRecord& record : records) {
    const Status looked = look_at_kept(record);
    if (!looked && looked.error().code != Code::db_lock_busy)
      world_.log.failure(ports::Level::warning, "apply.purge_failed", looked.error());
  }
  return idle;
}

namespace {

/// A set that is not done with may refer to what was kept for it.
Result<bool> sets_wait(ports::StoreTransaction& tx) {
  bool waits = false;
  OMRSYNC_CHECK(tx.scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    const auto item = decode_record<InboxItem>(entry.value);
    waits = item && (item->state == InboxItem::State::waiting || item->state == InboxItem::State::held);
    return !waits;
  }));
  return waits;
}

}  // namespace

/// Tries to delete it. Where something still refers to it the list of who does is brought up to date; else the
/// root-most node deletes it, as anybody at its OpenMRS would: capture gives that a dot. The others undo it and wait
/// for that.
Status ApplyWorker::look_at_kept(const ConflictRecord& record) {
  const std::vector<RootKey> roots{record.root};
  OMRSYNC_TRY(unit, world_.openmrs.begin());
  OMRSYNC_TRY(marked, unit->mark("p" + tables::number_key(world_.entropy.next())));
  if (!marked) return Done{};
  OMRSYNC_TRY(contents, unit->lock_read(roots));
  bool waits = false;
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(befores, roots_before(*tx, {}, roots, contents));
    if (!befores.front().content || !befores.front().row) return Done{};
    OMRSYNC_TRY(waiting, sets_wait(*tx));
    waits = waiting;
    std::optional<LedgerRow> row = befores.front().row;
    if (unlogged_change(record.root, row, &*befores.front().content, world_.dots)) return Done{};  // capture is behind
  }
  const std::vector<ports::RootWrite> writes{{record.root, {}, true}};
  OMRSYNC_TRY(put, unit->put(writes));
  if (!put.problems.empty()) return Done{};
  std::vector<RootKey> referrers;
  bool stays = false;
  for (const ports::PutNotice& notice : put.notices) {
    if (notice.kind != ports::PutNotice::Kind::dangling_parent) continue;
    stays = true;
    if (notice.other != record.root) referrers.push_back(notice.other);
  }
  if (!stays && !waits && !world_.has_parent) {
    ApplyPlan plan;  // by nobody: what it does is taken as a local write
    plan.roots.push_back({});
    plan.roots.back().root = record.root;
    OMRSYNC_TRY(did, commit(*unit, plan));
    (void)did;
    return Done{};
  }
  unit.reset();
  if (stays && referrers == record.referrers) return Done{};
  if (!stays && record.referrers.empty()) return Done{};
  OMRSYNC_TRY(tx, world_.store.write());
  if (stays && referrers.empty()) {  // its kind is never deleted, and nothing refers to it
    OMRSYNC_CHECK(close_dangling(*tx, world_, record.root, "rule"));
  } else {
    OMRSYNC_CHECK(list_referrers(*tx, record.root, referrers));
  }
  return tx->commit();
}

}  // namespace omrsync::node
