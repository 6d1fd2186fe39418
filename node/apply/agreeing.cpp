// The rows under our locks against the ledger: who wrote first, and what no log showed (D7b).
#include "node/apply/apply_worker.h"
#include "node/apply/landing.h"
#include "node/capture/take_piece.h"
#include "node/ledger/local.h"
#include "node/plant.h"
#include "node/store/facts.h"

namespace omrsync::node {

/// The rows under our locks against the ledger. Where they differ a clinician wrote first: capture passes that write,
/// and we come again. Where neither row nor ledger moved since and they differ still, the log did not show it (D7b).
Result<bool> ApplyWorker::agrees(const std::vector<RootBefore>& befores) {
  if (OMRSYNC_PLANTED(rows_unread)) return true;
  std::vector<ports::RootChange> deviations;
  std::map<RootKey, Looked> looked;
  for (const RootBefore& before : befores) {
    std::optional<LedgerRow> row = before.row;
    const ports::RootContent* content = before.content ? &*before.content : nullptr;
    auto change = unlogged_change(before.root, row, content, world_.dots);
    const bool unmet = !before.row && content != nullptr;
    if (!change && !unmet) continue;
    Looked look{{}, before.row ? encode(*before.row) : std::string(), {}};
    if (content != nullptr)
      for (const auto& [name, held] : content->groups) look.held[name] = held.hash;
    const auto first = looked_.find(before.root);
    const bool same = first != looked_.end() && first->second.row == look.row && first->second.held == look.held;
    if (!same || !has_passed(first->second.position)) {
      looked.emplace(before.root, std::move(look));
    } else if (change) {
      deviations.push_back(std::move(*change));
    }
  }
  if (looked.empty() && deviations.empty()) return true;
  if (looked.empty()) {
    looked_.clear();
    return take_deviations(std::move(deviations), befores);
  }
  OMRSYNC_TRY(end, world_.openmrs.log_end());  // the rows are locked: whatever changed them lies before it
  if (has_passed(end)) {  // what was not met yet then, and is not met now, is new to us: nothing of it is on the way
    OMRSYNC_TRY(tx, world_.store.read());
    for (const RootBefore& before : befores) {
      if (before.row || !looked.contains(before.root)) continue;
      OMRSYNC_TRY(row, ledger_row(*tx, before.root));
      if (!row) looked.erase(before.root);
    }
    if (looked.empty() && deviations.empty()) return true;
  }
  for (auto& [root, look] : looked) {
    look.position = end;
    looked_.insert_or_assign(root, std::move(look));
  }
  barrier_ = end;
  return false;
}

bool ApplyWorker::has_passed(const ports::LogPosition& position) { return world_.shared.captured(position); }

/// Gives what no log showed dots of its own, unless the ledger moved on meanwhile.
Result<bool> ApplyWorker::take_deviations(std::vector<ports::RootChange> deviations,
                                          const std::vector<RootBefore>& befores) {
  OMRSYNC_TRY(tx, world_.store.write());
  for (const RootBefore& before : befores) {
    OMRSYNC_TRY(row, ledger_row(*tx, before.root));
    if ((row ? encode(*row) : std::string()) != (before.row ? encode(*before.row) : std::string())) return false;
  }
  OMRSYNC_TRY(capture, capture_record(*tx));
  const ports::LogPosition position = capture ? capture->position : ports::LogPosition{};
  OMRSYNC_CHECK(take_unlogged(*tx, world_, std::move(deviations), position));
  OMRSYNC_CHECK(tx->commit());
  return false;
}

/// The database needs no change: the ledger takes the states at its present place in the log, if nothing moved
/// meanwhile.
Result<ApplyWorker::Did> ApplyWorker::land_now(const ApplyPlan& plan, const std::vector<RootBefore>& befores) {
  OMRSYNC_TRY(tx, world_.store.write());
  for (const RootBefore& before : befores) {
    OMRSYNC_TRY(row, ledger_row(*tx, before.root));
    const bool same = row.has_value() == before.row.has_value() && (!row || encode(*row) == encode(*before.row));
    if (!same) return Did::waits;
  }
  OMRSYNC_TRY(capture, capture_record(*tx));
  OMRSYNC_CHECK(land(*tx, world_, plan, nullptr, capture ? capture->position : ports::LogPosition{}));
  OMRSYNC_CHECK(tx->commit());
  world_.shared.changed.ring();
  return Did::applied;
}

}  // namespace omrsync::node
