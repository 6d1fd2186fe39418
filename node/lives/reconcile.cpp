#include "node/lives/reconcile.h"

#include "node/lives/first_contact.h"
#include "node/ship/offer.h"
#include "node/tuning.h"

namespace omrsync::node {

using ports::StoreTransaction;

Result<bool> Reconciler::step() {
  if (!snapshot_) {
    OMRSYNC_CHECK(begin());
    return false;
  }
  if (table_ < tables_.size()) {
    OMRSYNC_CHECK(compare_page());
    return false;
  }
  OMRSYNC_CHECK(compare_ledger());
  if (!ledger_after_.empty()) return false;
  OMRSYNC_CHECK(finish());
  return true;
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
    if (row) OMRSYNC_CHECK(take(*tx, loaded.root, *row, &loaded.content));
  }
  OMRSYNC_CHECK(offer(*tx));
  OMRSYNC_CHECK(tx->commit());
  after_ = page.next.value_or("");
  if (!page.next) ++table_;
  return Done{};
}

/// What the ledger has and the database has not. `ledger_after_` is empty when all was looked at.
Status Reconciler::compare_ledger() {
  std::vector<RootKey> roots;
  std::string last;
  {
    OMRSYNC_TRY(reading, world_.store.read());
    const std::string from = ledger_after_.empty() ? std::string() : ports::after(ledger_after_);
    OMRSYNC_CHECK(reading->scan(tables::kLedger, from, "", tuning::kLoadRoots, [&](const ports::Entry& entry) {
      last = entry.key;
      roots.push_back(tables::root_from(entry.key));
      return true;
    }));
  }
  OMRSYNC_TRY(contents, snapshot_->read(roots));
  OMRSYNC_TRY(tx, world_.store.write());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (contents[i]) continue;
    OMRSYNC_TRY(row, ledger_row(*tx, roots[i]));
    if (row) OMRSYNC_CHECK(take(*tx, roots[i], *row, nullptr));
  }
  OMRSYNC_CHECK(offer(*tx));
  OMRSYNC_CHECK(tx->commit());
  ledger_after_ = last;
  return Done{};
}

Status Reconciler::take(StoreTransaction& tx, const RootKey& root, const LedgerRow& known,
                        const ports::RootContent* content) {
  const bool numbered_twice = life_.end == LifeEnd::clone && has_seen_beyond(known, life_.before, life_.confirmed);
  if (stands_as_known(known, content) && !numbered_twice) {
    // A place in the log of the old life says nothing in the new one.
    if (!(snapshot_->position() < known.changed_at())) return Done{};
    LedgerRow row = known;
    row.set_changed_at(snapshot_->position());
    return put_ledger_row(tx, root, row);
  }
  ++(content != nullptr ? differ_ : absent_);
  Status numbered = Done{};
  const auto fresh = [&] {
    const auto number = take_number(tx, "sequence");
    if (!number) numbered = number.error();
    return Dot{world_.identity.actor(), number ? *number : 0};
  };
  auto row = first_contact(known, content, Stamp{world_.clock.utc().count(), 0, false}, fresh);
  OMRSYNC_CHECK(numbered);
  if (!row) {
    OMRSYNC_CHECK(note_repair(tx, root, LedgerRow{}));
    return forget_ledger_row(tx, root);
  }
  row->set_changed_at(snapshot_->position());
  OMRSYNC_CHECK(put_ledger_row(tx, root, *row));
  OMRSYNC_CHECK(note_repair(tx, root, *row));
  changed_.push_back(root);
  return Done{};
}

/// To the children and to the parent: roots of which each stands alone.
Status Reconciler::offer(StoreTransaction& tx) {
  if (changed_.empty()) return Done{};
  OMRSYNC_TRY(sequence, take_number(tx, "sequence"));
  OfferedSet set{{world_.identity.actor(), sequence}, 0, {}, world_.clock.utc().count(), std::move(changed_), true};
  changed_.clear();
  for (const RootKey& root : set.roots) OMRSYNC_CHECK(log_change(tx, world_, root, set.set, std::nullopt));
  return offer_set(tx, world_, set);
}

Status Reconciler::finish() {
  OMRSYNC_TRY(tx, world_.store.write());
  const std::int64_t now = world_.clock.utc().count();
  OMRSYNC_CHECK(tx->erase(tables::kMeta, "new_life", ports::after("new_life")));
  OMRSYNC_CHECK(tx->erase(tables::kUnlogged, "", ""));  // all was compared
  OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", CaptureRecord{snapshot_->position(), now}));
  OMRSYNC_CHECK(append_audit(*tx, R"({"act":"compared with an older life","at_ms":)" + std::to_string(now) +
                                      R"(,"because":")" + to_string(life_.end) + R"(","differ":)" +
                                      std::to_string(differ_) + R"(,"absent":)" + std::to_string(absent_) + "}"));
  OMRSYNC_CHECK(tx->commit());
  snapshot_.reset();
  world_.log.info("node.reconciled", {{"differ", differ_}, {"absent", absent_}});
  return Done{};
}

}  // namespace omrsync::node
