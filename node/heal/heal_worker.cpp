#include "node/heal/heal_worker.h"

#include <algorithm>

#include "node/capture/take_piece.h"
#include "node/ledger/local.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::node {

using ports::StoreTransaction;
using std::chrono::milliseconds;

namespace {

constexpr const char* kMet =
    "ledger_met";                          ///< meta: tables of the root node that were met, by their place in the order
constexpr std::uint64_t kFewDeletes = 50;  ///< more absent rows than this, or one in a hundred, are asked about first

}  // namespace

Pace HealWorker::step(std::stop_token) {
  const auto busy = scan_ ? Result<bool>(true) : begin();
  if (!busy || !*busy) {
    snapshot_.reset();  // an open one keeps OpenMRS from changing its tables
    return tidy() ? Pace::at_once() : Pace::after(tuning::kApplyIdle);
  }
  const auto ready = snapshot_ready();
  if (!ready || !*ready) return Pace::after(tuning::kApplyBusyFirst);
  const Status did = scan_->meeting ? meet_rows() : !scan_->rows_done ? compare_rows() : compare_ledger();
  if (!did) {
    world_.log.failure(ports::Level::warning, "heal.failed", did.error());
    scan_.reset();
    snapshot_.reset();
    return Pace::after(tuning::kApplyBusyMost);
  }
  return Pace::at_once();
}

/// Nothing else to do: what a load left in several segments is put into one.
bool HealWorker::tidy() {
  {
    const auto tx = world_.store.read();
    const auto link = tx ? link_record(**tx, kParentLink) : Result<LinkRecord>(tx.error());
    if (!link || (world_.has_parent && !link->load.done)) return false;  // more comes
    const auto untidy = tidy_segments(**tx, 0);
    if (!untidy || !*untidy) return false;
  }
  const auto tx = world_.store.write();
  if (!tx) return false;
  const auto more = tidy_segments(**tx, tuning::kTidyRoots);
  return more && *more && (*tx)->commit();
}

/// A table to compare, or one to meet; false when there is none.
Result<bool> HealWorker::begin() {
  OMRSYNC_TRY(tx, world_.store.read());
  auto scan = std::make_unique<Scan>();
  Status read = Done{};
  OMRSYNC_CHECK(tx->scan(tables::kUnlogged, "", "", 1, [&](const ports::Entry& entry) {
    const auto record = decode_record<CaptureRecord>(entry.value);
    if (!record) {
      read = record.error();
      return false;
    }
    scan->table = entry.key;
    scan->from = record->position;
    return false;
  }));
  OMRSYNC_CHECK(read);
  OMRSYNC_TRY(tables, world_.openmrs.tables());
  if (scan->table.empty() && !world_.has_parent) {
    OMRSYNC_TRY(met, tx->get(tables::kMeta, kMet));
    const std::uint64_t place = met ? tables::number_from(*met) : 0;
    if (place >= tables.size()) return false;
    scan->table = tables[static_cast<std::size_t>(place)].table;
    scan->meeting = true;
  }
  if (scan->table.empty()) return false;
  const bool known = std::any_of(tables.begin(), tables.end(), [&](const auto& t) { return t.table == scan->table; });
  scan_ = std::move(scan);
  if (!known) OMRSYNC_CHECK(finish());
  if (!known) scan_.reset();
  return known;
}

Result<bool> HealWorker::snapshot_ready() {
  const milliseconds now = world_.clock.steady();
  const bool too_old =
      snapshot_ && (now - snapshot_since_ > tuning::kSnapshotAge || snapshot_->position() < scan_->from);
  if (too_old) snapshot_.reset();
  if (!snapshot_) {
    OMRSYNC_TRY(opened, world_.openmrs.snapshot());
    snapshot_ = std::move(opened);
    snapshot_since_ = now;
  }
  return world_.shared.captured(snapshot_->position());
}

Status HealWorker::compare_rows() {
  OMRSYNC_TRY(page, snapshot_->page(scan_->table, scan_->after, tuning::kLoadRoots));
  OMRSYNC_TRY(tx, world_.store.write());
  std::vector<ports::RootChange> changes;
  for (const ports::LoadedRoot& loaded : page.roots) {
    OMRSYNC_TRY(row, ledger_row(*tx, loaded.root));
    if (row && snapshot_->position() < row->changed_at()) continue;
    if (row) {
      if (auto change = unlogged_change(loaded.root, row, &loaded.content, world_.dots))
        changes.push_back(std::move(*change));
      continue;
    }
    // Never met: inserted behind the log's back, or older than the load, which will meet it. Either way it is offered.
    ports::RootChange change{loaded.root, loaded.content.local_id, ports::RootChange::Kind::created, {}};
    for (const auto& [name, held] : loaded.content.groups)
      change.groups.push_back({name, std::nullopt, held.hash, std::nullopt, held.value});
    OMRSYNC_TRY(link, link_record(*tx, kParentLink));
    OMRSYNC_TRY(met, tx->get(tables::kMeta, kMet));
    if (world_.has_parent ? link.load.done : met.has_value()) changes.push_back(std::move(change));
  }
  if (!changes.empty()) OMRSYNC_CHECK(take_unlogged(*tx, world_, std::move(changes), snapshot_->position()));
  OMRSYNC_CHECK(tx->commit());
  world_.shared.changed.ring();
  if (page.next)
    scan_->after = *page.next;
  else
    scan_->rows_done = true;
  return Done{};
}

/// Roots that the ledger has and the database has not: purged while nobody looked. Few are taken; many are asked about.
Status HealWorker::compare_ledger() {
  std::vector<RootKey> roots;
  {
    OMRSYNC_TRY(reading, world_.store.read());
    OMRSYNC_TRY(known, ledger_roots(*reading, scan_->table, scan_->ledger_after, tuning::kLoadRoots));
    roots = std::move(known);
  }
  if (roots.empty()) {
    scan_->ledger_after.clear();
    OMRSYNC_CHECK(finish());
    scan_.reset();
    return Done{};
  }
  OMRSYNC_TRY(contents, snapshot_->read(roots));
  OMRSYNC_TRY(tx, world_.store.write());
  std::vector<ports::RootChange> absent;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (contents[i]) continue;
    OMRSYNC_TRY(row, ledger_row(*tx, roots[i]));
    if (!row || snapshot_->position() < row->changed_at()) continue;
    if (auto change = unlogged_change(roots[i], row, nullptr, world_.dots)) absent.push_back(std::move(*change));
  }
  scan_->absent += absent.size();
  OMRSYNC_TRY(allowed, may_delete(*tx, scan_->absent));
  if (!absent.empty() && allowed) OMRSYNC_CHECK(take_unlogged(*tx, world_, std::move(absent), snapshot_->position()));
  OMRSYNC_CHECK(tx->commit());
  world_.shared.changed.ring();
  scan_->ledger_after = tables::root_bytes(roots.back());
  return Done{};
}

Result<bool> HealWorker::may_delete(StoreTransaction& tx, std::uint64_t absent) {
  OMRSYNC_TRY(accepted, tx.get(tables::kMeta, "accept_deletes/" + scan_->table));
  if (accepted) return true;
  OMRSYNC_TRY(rows, world_.openmrs.count(scan_->table));
  if (absent <= std::max(kFewDeletes, rows / 100)) return true;
  OMRSYNC_CHECK(tx.put(tables::kMeta, "ask_deletes/" + scan_->table, tables::number_key(absent)));
  return false;
}

Status HealWorker::meet_rows() {
  OMRSYNC_TRY(page, snapshot_->page(scan_->table, scan_->after, tuning::kMeetRoots));
  OMRSYNC_TRY(tx, world_.store.write());
  const WalkId walk = walk_of(kMet);
  std::vector<MetRoot> roots;
  for (const ports::LoadedRoot& loaded : page.roots) {
    OMRSYNC_TRY(row, ledger_row(*tx, loaded.root, walk));
    if (!row) roots.push_back(pack_met(loaded.root, loaded.content, world_.dots));
  }
  OMRSYNC_CHECK(add_segment(*tx, scan_->table, walk, std::move(roots)));
  if (!page.next) {
    OMRSYNC_TRY(place, take_number(*tx, kMet));
    (void)place;
  }
  OMRSYNC_CHECK(tx->commit());
  if (page.next)
    scan_->after = *page.next;
  else
    scan_.reset();
  return Done{};
}

/// The table agrees with the ledger as of the snapshot, unless it was marked again meanwhile.
Status HealWorker::finish() {
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, get_record<CaptureRecord>(*tx, tables::kUnlogged, scan_->table));
  if (record && !(scan_->from < record->position))
    OMRSYNC_CHECK(tx->erase(tables::kUnlogged, scan_->table, ports::after(scan_->table)));
  if (scan_->absent == 0)
    OMRSYNC_CHECK(tx->erase(tables::kMeta, "ask_deletes/" + scan_->table, ports::after("ask_deletes/" + scan_->table)));
  OMRSYNC_CHECK(
      tx->erase(tables::kMeta, "accept_deletes/" + scan_->table, ports::after("accept_deletes/" + scan_->table)));
  OMRSYNC_CHECK(append_audit(*tx, R"({"act":"compared","at_ms":)" + std::to_string(world_.clock.utc().count()) +
                                      R"(,"table":")" + scan_->table + R"(","absent":)" +
                                      std::to_string(scan_->absent) + "}"));
  return tx->commit();
}

}  // namespace omrsync::node
