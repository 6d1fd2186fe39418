#include "adapters/memory/openmrs_transaction.h"

#include <algorithm>

#include "protocol/cells.h"

namespace omrsync::memory {
namespace {

Error busy() { return {Remedy::retry_later, Code::db_lock_busy, "a row is locked by another transaction"}; }

std::set<std::string> unique_texts(const TwinTable& table, const TwinRow& row) {
  std::set<std::string> texts;
  for (const auto& [name, value] : row.groups)
    for (const std::string& column : table.unique)
      if (const auto text = find_cell(value, column)) texts.insert(column + '=' + std::string(*text));
  return texts;
}

}  // namespace

std::vector<TwinTarget> targets_of(const TwinTable& table, const TwinRow& row) {
  std::vector<TwinTarget> targets;
  for (const auto& [name, value] : row.groups)
    for (const TwinReference& reference : table.references)
      if (const auto key = find_cell(value, reference.column); key && !key->empty())
        targets.push_back({{reference.target, std::string(*key)}, &reference});
  return targets;
}

TwinTransaction::TwinTransaction(OpenmrsTwin& twin) : twin_(twin) {
  const std::scoped_lock guard(twin_.mutex_);
  id_ = ++twin_.last_transaction_;
}

TwinTransaction::~TwinTransaction() { roll_back(); }

Status TwinTransaction::lock(const RootKey& root) {
  const std::scoped_lock guard(twin_.mutex_);
  OpenmrsTwin::Lock& held = twin_.locks_[root];
  if (held.exclusive == id_) return Done{};
  const bool others_share = std::any_of(held.shared.begin(), held.shared.end(), [&](auto id) { return id != id_; });
  if (held.exclusive != 0 || others_share) return busy();
  held.exclusive = id_;
  return Done{};
}

Status TwinTransaction::lock_at_any_price(const RootKey& root) {
  {
    const std::scoped_lock guard(twin_.mutex_);
    OpenmrsTwin::Lock& held = twin_.locks_[root];
    if (held.exclusive != 0 && held.exclusive != id_) twin_.victims_.insert(held.exclusive);
    for (const std::uint64_t id : held.shared)
      if (id != id_) twin_.victims_.insert(id);
    held = {};
  }
  return lock(root);
}

bool TwinTransaction::is_victim() const {
  const std::scoped_lock guard(twin_.mutex_);
  return twin_.victims_.contains(id_);
}

Status TwinTransaction::lock_shared(const RootKey& root) {
  OpenmrsTwin::Lock& held = twin_.locks_[root];
  if (held.exclusive != 0 && held.exclusive != id_) return busy();
  held.shared.insert(id_);
  return Done{};
}

std::shared_ptr<const TwinRow> TwinTransaction::current_locked(const RootKey& root) const {
  if (const auto own = changed_.find(root); own != changed_.end()) return own->second;
  const auto row = twin_.state_.rows->find(root);
  return row == twin_.state_.rows->end() ? nullptr : row->second;
}

std::shared_ptr<const TwinRow> TwinTransaction::current(const RootKey& root) const {
  const std::scoped_lock guard(twin_.mutex_);
  return current_locked(root);
}

Status TwinTransaction::write(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups) {
  OMRSYNC_CHECK(lock(root));
  const std::scoped_lock guard(twin_.mutex_);
  const auto before = current_locked(root);
  auto row = std::make_shared<TwinRow>();
  if (before) {
    *row = *before;
  } else {
    row->local_id = ++twin_.state_.last_local_id;
    row->groups[kLifeGroup];
    if (const TwinTable* table = twin_.find_table(root.table))
      for (const GroupName& name : table->groups) row->groups[name];
  }
  for (const auto& [name, value] : groups) {
    if (value) {
      row->groups[name] = *value;
    } else {
      row->groups.erase(name);
    }
  }
  if (!changed_.contains(root)) order_.push_back(root);
  changed_[root] = std::move(row);
  return Done{};
}

Status TwinTransaction::erase(const RootKey& root) {
  OMRSYNC_CHECK(lock(root));
  if (!current(root)) return Done{};
  if (!changed_.contains(root)) order_.push_back(root);
  changed_[root] = nullptr;
  return Done{};
}

Result<std::vector<RootKey>> TwinTransaction::missing_targets(const RootKey& root) {
  const std::scoped_lock guard(twin_.mutex_);
  std::vector<RootKey> missing;
  const auto row = current_locked(root);
  const TwinTable* table = twin_.find_table(root.table);
  if (!row || table == nullptr) return missing;
  for (const TwinTarget& target : targets_of(*table, *row)) {
    if (!current_locked(target.root)) {
      if (std::find(missing.begin(), missing.end(), target.root) == missing.end()) missing.push_back(target.root);
      // An insert of the target that is not committed yet holds the key.
      const auto held = twin_.locks_.find(target.root);
      if (held != twin_.locks_.end() && held->second.exclusive != 0 && held->second.exclusive != id_) return busy();
    } else if (target.root != root) {
      OMRSYNC_CHECK(lock_shared(target.root));
    }
  }
  return missing;
}

template <typename Visit>
void TwinTransaction::for_each_current(const Visit& visit) const {
  for (const auto& [root, row] : *twin_.state_.rows)
    if (!changed_.contains(root)) visit(root, *row);
  for (const auto& [root, row] : changed_)
    if (row) visit(root, *row);
}

std::vector<RootKey> TwinTransaction::referrers(const RootKey& root) const {
  const std::scoped_lock guard(twin_.mutex_);
  std::vector<RootKey> found;
  for_each_current([&](const RootKey& other, const TwinRow& row) {
    const TwinTable* table = twin_.find_table(other.table);
    if (other == root || table == nullptr) return;
    const auto targets = targets_of(*table, row);
    if (std::any_of(targets.begin(), targets.end(), [&](const auto& t) { return t.root == root; })) {
      found.push_back(other);
    }
  });
  return found;
}

bool TwinTransaction::name_taken(const RootKey& root) const {
  const std::scoped_lock guard(twin_.mutex_);
  const TwinTable* table = twin_.find_table(root.table);
  const auto row = current_locked(root);
  if (table == nullptr || table->unique.empty() || !row) return false;
  const auto texts = unique_texts(*table, *row);
  bool taken = false;
  for_each_current([&](const RootKey& other, const TwinRow& held) {
    if (other.table != root.table || other == root) return;
    for (const std::string& text : unique_texts(*table, held)) taken = taken || texts.contains(text);
  });
  return taken;
}

void TwinTransaction::commit(std::string author, std::string marker_key, std::string marker_payload) {
  const std::scoped_lock guard(twin_.mutex_);
  TwinCommit done;
  auto rows = std::make_shared<TwinRows>(*twin_.state_.rows);
  for (const RootKey& root : order_) {
    const auto old = rows->find(root);
    const std::shared_ptr<const TwinRow> before = old == rows->end() ? nullptr : old->second;
    const auto& after = changed_.at(root);
    if (after) {
      (*rows)[root] = after;
    } else if (before) {
      rows->erase(old);
    }
    const bool same = before == after || (before && after && before->groups == after->groups);
    if (!same) done.roots.push_back({root, before, after});
  }
  twin_.state_.rows = std::move(rows);
  if (!marker_key.empty()) twin_.state_.markers.push_back(marker_key);
  done.author = std::move(author);
  done.marker_key = std::move(marker_key);
  done.marker_payload = std::move(marker_payload);
  if (!done.roots.empty() || !done.marker_key.empty()) twin_.append(std::move(done));
  release();
}

void TwinTransaction::roll_back() {
  const std::scoped_lock guard(twin_.mutex_);
  release();
}

void TwinTransaction::release() {
  for (auto each = twin_.locks_.begin(); each != twin_.locks_.end();) {
    if (each->second.exclusive == id_) each->second.exclusive = 0;
    each->second.shared.erase(id_);
    each = each->second.exclusive == 0 && each->second.shared.empty() ? twin_.locks_.erase(each) : std::next(each);
  }
  changed_.clear();
  order_.clear();
}

}  // namespace omrsync::memory
