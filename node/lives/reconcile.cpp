#include "node/lives/reconcile.h"

#include "node/plant.h"
#include "node/ship/offer.h"
#include "node/tuning.h"

namespace omrsync::node {

using ports::StoreTransaction;

Result<bool> Reconciler::step() {
  if (life_.end == LifeEnd::database && !snapshot_) {
    OMRSYNC_CHECK(begin());
  } else if (table_ < tables_.size()) {
    OMRSYNC_CHECK(compare_page());
  } else if (ledger_table_ < tables_.size()) {
    OMRSYNC_CHECK(compare_ledger());
  } else if (life_.end == LifeEnd::clone && !numbered_) {
    OMRSYNC_CHECK(number_anew());
  } else {
    OMRSYNC_CHECK(finish());
    return true;
  }
  return false;
}

Status Reconciler::begin() {
  OMRSYNC_TRY(tables, world_.openmrs.tables());
  OMRSYNC_TRY(snapshot, world_.openmrs.snapshot());
  tables_ = std::move(tables);
  snapshot_ = std::move(snapshot);
  return Done{};
}

Status Reconciler::compare_page() {
  OMRSYNC_TRY(page, snapshot_->page(tables_[table_].table, after_, tuning::kLoadRoots));
  OMRSYNC_TRY(tx, world_.store.write());
  for (const ports::LoadedRoot& loaded : page.roots) {
    OMRSYNC_TRY(row, ledger_row(*tx, loaded.root));
    if (row) OMRSYNC_CHECK(compare(*tx, loaded.root, *row, &loaded.content));
  }
  OMRSYNC_CHECK(offer(*tx));
  OMRSYNC_CHECK(tx->commit());
  after_ = page.next.value_or("");
  if (!page.next) ++table_;
  return Done{};
}

/// What the ledger has and the database has not.
Status Reconciler::compare_ledger() {
  const std::string& table = tables_[ledger_table_].table;
  std::vector<RootKey> roots;
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(some, ledger_roots(*tx, table, after_, tuning::kLoadRoots));
    roots = std::move(some);
  }
  after_ = roots.empty() ? std::string() : tables::root_bytes(roots.back());
  if (roots.empty()) {
    ++ledger_table_;
    return Done{};
  }
  OMRSYNC_TRY(contents, snapshot_->read(roots));
  OMRSYNC_TRY(tx, world_.store.write());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (contents[i] || OMRSYNC_PLANTED(absent_ignored)) continue;
    OMRSYNC_TRY(row, ledger_row(*tx, roots[i]));
    if (row) OMRSYNC_CHECK(compare(*tx, roots[i], *row, nullptr));
  }
  OMRSYNC_CHECK(offer(*tx));
  return tx->commit();
}

/// Roots that stand as loaded have no numbers of ours: only rows of their own are looked at.
Status Reconciler::number_anew() {
  OMRSYNC_TRY(tx, world_.store.write());
  std::vector<RootKey> roots;
  const std::string from = after_.empty() ? std::string() : ports::after(after_);
  OMRSYNC_CHECK(tx->scan(tables::kLedger, from, "", tuning::kLoadRoots, [&](const ports::Entry& entry) {
    after_ = entry.key;
    roots.push_back(tables::root_from(entry.key));
    return true;
  }));
  for (const RootKey& root : roots) {
    OMRSYNC_TRY(row, ledger_row(*tx, root));
    if (row && has_seen_beyond(*row, life_.before, life_.confirmed))
      OMRSYNC_CHECK(take(*tx, root, *row, row->hashes, row->changed_at()));
  }
  numbered_ = roots.empty();
  OMRSYNC_CHECK(offer(*tx));
  return tx->commit();
}

Status Reconciler::compare(StoreTransaction& tx, const RootKey& root, const LedgerRow& known,
                           const ports::RootContent* content) {
  const ports::LogPosition& now = snapshot_->position();
  if (!stands_as_known(known, content)) {
    Hashes stands;
    if (content != nullptr)
      for (const auto& [name, held] : content->groups) stands[name] = held.hash;
    return take(tx, root, known, stands, now);
  }
  if (!(now < known.changed_at())) return Done{};
  LedgerRow row = known;  // a place in the log of the old life says nothing in the new one
  row.set_changed_at(now);
  return put_ledger_row(tx, root, row);
}

Status Reconciler::take(StoreTransaction& tx, const RootKey& root, const LedgerRow& known, const Hashes& stands,
                        const ports::LogPosition& position) {
  ++(stands.empty() ? absent_ : differ_);
  Status numbered = Done{};
  const auto fresh = [&] {
    const auto number = take_number(tx, "sequence");
    if (!number) numbered = number.error();
    return Dot{world_.identity.actor(), number ? *number : 0};
  };
  auto row = first_contact(known, stands, world_.stamp(world_.clock.utc().count()), fresh);
  OMRSYNC_CHECK(numbered);
  if (!row) {
    OMRSYNC_CHECK(note_repair(tx, root, LedgerRow{}));
    return forget_ledger_row(tx, root);
  }
  row->set_changed_at(position);
  OMRSYNC_CHECK(put_ledger_row(tx, root, *row));
  OMRSYNC_CHECK(note_repair(tx, root, *row));
  changed_.push_back(root);
  return Done{};
}

/// To the children and to the parent: roots of which each stands alone.
Status Reconciler::offer(StoreTransaction& tx) {
  if (changed_.empty()) return Done{};
  OMRSYNC_TRY(sequence, take_number(tx, "sequence"));
  OfferedSet set{
      {world_.identity.actor(), sequence}, 0, {}, world_.stamp(world_.clock.utc().count()), std::move(changed_), true};
  changed_.clear();
  for (const RootKey& root : set.roots) OMRSYNC_CHECK(log_change(tx, world_, root, set.set, std::nullopt));
  return offer_set(tx, world_, set);
}

Status Reconciler::finish() {
  OMRSYNC_TRY(tx, world_.store.write());
  const std::int64_t now = world_.clock.utc().count();
  OMRSYNC_CHECK(tx->erase(tables::kMeta, "new_life", ports::after("new_life")));
  if (snapshot_) {
    OMRSYNC_CHECK(tx->erase(tables::kUnlogged, "", ""));  // all was compared
    OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", CaptureRecord{snapshot_->position(), now}));
  }
  OMRSYNC_CHECK(append_audit(*tx, R"({"act":"compared with an older life","at_ms":)" + std::to_string(now) +
                                      R"(,"because":")" + to_string(life_.end) + R"(","differ":)" +
                                      std::to_string(differ_) + R"(,"absent":)" + std::to_string(absent_) + "}"));
  OMRSYNC_CHECK(tx->commit());
  snapshot_.reset();
  world_.log.info("node.reconciled", {{"differ", differ_}, {"absent", absent_}});
  return Done{};
}

}  // namespace omrsync::node
