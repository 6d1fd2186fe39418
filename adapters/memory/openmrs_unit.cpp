#include "adapters/memory/openmrs_unit.h"

#include <algorithm>

#include "protocol/cells.h"

namespace omrsync::memory {

TwinUnit::~TwinUnit() { end(); }

void TwinUnit::end() {
  transaction_.reset();
  const std::scoped_lock guard(twin_.mutex_);
  if (!marker_.empty()) twin_.open_markers_.erase(marker_);
  marker_.clear();
}

Error TwinUnit::fail(Error error) {
  end();
  return error;
}

Status TwinUnit::enter(TwinCall call) {
  if (!transaction_) return Error{Remedy::stop_node, Code::defect, "a unit of work was used after its end"};
  if (auto entered = twin_.enter(call); !entered) return fail(entered.error());
  return Done{};
}

Result<bool> TwinUnit::mark(const std::string& key) {
  OMRSYNC_CHECK(enter(TwinCall::mark));
  {
    const std::scoped_lock guard(twin_.mutex_);
    const auto& there = twin_.state_.markers;
    if (std::find(there.begin(), there.end(), key) != there.end()) return false;
    if (twin_.open_markers_.insert(key).second) {
      marker_ = key;
      return true;
    }
  }
  return fail({Remedy::retry_later, Code::db_lock_busy, "the set is being applied by another connection"});
}

Result<std::vector<std::optional<ports::RootContent>>> TwinUnit::lock_read(std::span<const RootKey> roots) {
  OMRSYNC_CHECK(enter(TwinCall::lock_read));
  std::vector<RootKey> order(roots.begin(), roots.end());
  std::sort(order.begin(), order.end());
  for (const RootKey& root : order)
    if (auto locked = twin_.units_wait_for_locks ? transaction_->lock_at_any_price(root) : transaction_->lock(root);
        !locked)
      return fail(locked.error());
  std::vector<std::optional<ports::RootContent>> contents;
  for (const RootKey& root : roots) {
    const auto row = transaction_->current(root);
    contents.push_back(row ? std::optional(twin_content(*row, twin_)) : std::nullopt);
  }
  return contents;
}

Status TwinUnit::write(const ports::RootWrite& write) {
  auto groups = write.groups;
  const bool says_something =
      std::any_of(groups.begin(), groups.end(), [](const auto& each) { return each.second.has_value(); });
  if (!says_something && !transaction_->current(write.root)) return Done{};
  if (twin_.clip)
    for (auto& [name, value] : groups)
      if (value) value = twin_.clip(write.root, name, *value);
  return transaction_->write(write.root, groups);
}

/// Children first, for as long as something can go; what others refer to, and every user, stays and is voided (D30).
Status TwinUnit::purge(std::vector<const ports::RootWrite*> waiting, std::vector<ports::PutNotice>& notices) {
  const auto referrers = [&](const RootKey& root) {
    if (twin_.deletes_unguarded) return std::vector<RootKey>{};
    return transaction_->referrers(root);
  };
  for (bool moved = true; moved;) {
    moved = false;
    for (const ports::RootWrite*& each : waiting) {
      const bool user = each != nullptr && each->root.table == "users" && !twin_.deletes_unguarded;
      if (each == nullptr || user || !referrers(each->root).empty()) continue;
      OMRSYNC_CHECK(transaction_->erase(each->root));
      each = nullptr;
      moved = true;
    }
  }
  for (const ports::RootWrite* each : waiting) {
    const auto row = each == nullptr ? nullptr : transaction_->current(each->root);
    if (!row) continue;
    std::vector<RootKey> others = referrers(each->root);
    if (others.empty()) others.push_back(each->root);
    for (const RootKey& other : others) notices.push_back({ports::PutNotice::Kind::dangling_parent, each->root, other});
    const GroupValue& life = row->groups.at(kLifeGroup);
    if (find_cell(life, "voided") == "1") continue;
    const GroupValue voided = merge_cells(life, encode_cells({{"voided", "1"}}));
    OMRSYNC_CHECK(transaction_->write(each->root, {{kLifeGroup, voided}}));
  }
  return Done{};
}

Status TwinUnit::run_trigger(const RootKey& root) {
  if (!twin_.trigger) return Done{};
  for (const ports::RootWrite& more : twin_.trigger(root)) OMRSYNC_CHECK(transaction_->write(more.root, more.groups));
  return Done{};
}

Result<ports::PutOutcome> TwinUnit::put(std::span<const ports::RootWrite> writes) {
  OMRSYNC_CHECK(enter(TwinCall::put));
  ports::PutOutcome outcome;
  std::set<RootKey> created;
  std::vector<const ports::RootWrite*> purges;
  for (const ports::RootWrite& each : writes) {
    if (each.purge) purges.push_back(&each);
    if (each.purge) continue;
    if (twin_.find_table(each.root.table) == nullptr) {
      outcome.problems.push_back({each.root, Code::mapping_unknown_table, {}, "the table is not here"});
      continue;
    }
    if (!transaction_->current(each.root)) created.insert(each.root);
    if (auto written = write(each); !written) return fail(written.error());
  }
  if (auto purged = purge(std::move(purges), outcome.notices); !purged) return fail(purged.error());
  if (auto looked = find_problems(writes, outcome.problems); !looked) return fail(looked.error());
  for (const RootKey& root : in_cycle(writes, created))
    outcome.problems.push_back({root, Code::db_constraint, {}, "rows refer to one another and none can be first"});
  for (const ports::RootWrite& each : writes) {
    std::map<GroupName, std::uint64_t> hashes;
    const auto row = transaction_->current(each.root);
    if (row) {
      for (const auto& [name, value] : row->groups) {
        const auto asked = each.groups.find(name);
        if ((asked != each.groups.end() && asked->second) || (each.purge && name == kLifeGroup)) {
          hashes.emplace(name, twin_.hash(each.purge ? value : *asked->second));
        } else if (created.contains(each.root)) {
          hashes.emplace(name, twin_.hash(value));
        }
      }
    }
    outcome.hashes.push_back(std::move(hashes));
  }
  for (const ports::RootWrite& each : writes)
    if (auto ran = run_trigger(each.root); !ran) return fail(ran.error());
  refused_ = refused_ || !outcome.problems.empty();
  return outcome;
}

Status TwinUnit::find_problems(std::span<const ports::RootWrite> writes, std::vector<ports::PutProblem>& problems) {
  for (const ports::RootWrite& each : writes) {
    if (each.purge) continue;
    OMRSYNC_TRY(missing, transaction_->missing_targets(each.root));
    if (!missing.empty()) {
      problems.push_back(
          {each.root, Code::reference_missing, std::move(missing), "it refers to rows that are not here"});
    } else if (transaction_->name_taken(each.root)) {
      problems.push_back({each.root, Code::apply_name_taken, {}, "another row has its unique name"});
    }
  }
  return Done{};
}

/// New rows that cannot be inserted in any order, because their columns that must not be NULL name one another.
std::vector<RootKey> TwinUnit::in_cycle(std::span<const ports::RootWrite> writes,
                                        const std::set<RootKey>& created) const {
  std::set<RootKey> waiting = created;
  for (bool moved = true; moved;) {
    moved = false;
    for (const ports::RootWrite& each : writes) {
      if (!waiting.contains(each.root)) continue;
      const auto row = transaction_->current(each.root);
      const auto targets = row ? targets_of(*twin_.find_table(each.root.table), *row) : std::vector<TwinTarget>{};
      const bool free = std::none_of(targets.begin(), targets.end(), [&](const TwinTarget& t) {
        return !t.reference->nullable && t.root != each.root && waiting.contains(t.root);
      });
      if (free) moved = waiting.erase(each.root) > 0 || moved;
    }
  }
  return {waiting.begin(), waiting.end()};
}

Status TwinUnit::commit(const std::string& payload) {
  OMRSYNC_CHECK(enter(TwinCall::commit));
  if (refused_) return fail({Remedy::stop_node, Code::defect, "a refused unit of work was to be committed"});
  const CommitFault fault = twin_.commit_fault ? twin_.commit_fault() : CommitFault::none;
  const Error unknown{Remedy::look_first, Code::db_in_doubt, "the connection broke while committing"};
  if (fault == CommitFault::refused)
    return fail({Remedy::retry_later, Code::db_connection_lost, "the commit was refused"});
  if (fault == CommitFault::lost_and_unknown) return fail(unknown);
  transaction_->commit({}, marker_, payload);
  end();
  if (fault == CommitFault::done_but_unknown) return unknown;
  return Done{};
}

}  // namespace omrsync::memory
