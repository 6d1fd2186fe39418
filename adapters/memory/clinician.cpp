#include "adapters/memory/clinician.h"

#include <set>

namespace omrsync::memory {

void Clinician::begin() {
  seen_ = twin_.rows();
  transaction_ = std::make_unique<TwinTransaction>(twin_);
}

std::optional<Form> Clinician::open(const RootKey& root) const {
  const auto rows = seen_ ? seen_ : twin_.rows();
  const auto row = rows->find(root);
  if (row == rows->end()) return std::nullopt;
  return Form{root, row->second->groups, {}};
}

Status Clinician::save(const Form& form) {
  std::set<std::string> touched;
  for (const auto& [name, value] : form.edited) touched.insert(row_of(name));
  std::map<GroupName, std::optional<GroupValue>> groups;
  for (const auto& [name, value] : form.read)
    if (touched.contains(row_of(name))) groups[name] = value;
  for (const auto& [name, value] : form.edited) groups[name] = value;
  if (!transaction_->current(form.root))
    return Error{Remedy::set_aside, Code::not_found, "the row is gone; an UPDATE meets nothing"};
  return write(form.root, groups);
}

Status Clinician::write(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups) {
  OMRSYNC_CHECK(transaction_->write(root, groups));
  OMRSYNC_TRY(missing, transaction_->missing_targets(root));
  if (!missing.empty() || transaction_->name_taken(root)) {
    roll_back();
    return Error{Remedy::set_aside, Code::db_constraint, "a key of the database forbids it"};
  }
  return Done{};
}

Status Clinician::purge(const RootKey& root) {
  OMRSYNC_CHECK(transaction_->lock(root));
  if (!transaction_->referrers(root).empty()) {
    roll_back();
    return Error{Remedy::set_aside, Code::db_constraint, "other rows refer to it"};
  }
  return transaction_->erase(root);
}

Status Clinician::commit() {
  if (!transaction_) return Error{Remedy::set_aside, Code::defect, "no transaction is open"};
  if (transaction_->is_victim()) {
    roll_back();
    return Error{Remedy::retry_later, Code::db_lock_busy, "the server rolled the transaction back to end a deadlock"};
  }
  transaction_->commit(author_, {}, {});
  roll_back();
  return Done{};
}

void Clinician::roll_back() {
  transaction_.reset();
  seen_.reset();
}

template <typename Work>
Status Clinician::alone(const Work& work) {
  begin();
  Status worked = work();
  if (worked) return commit();
  roll_back();
  return worked;
}

Status Clinician::save_now(const Form& form) {
  return alone([&] { return save(form); });
}

Status Clinician::write_now(const RootKey& root, const std::map<GroupName, std::optional<GroupValue>>& groups) {
  return alone([&] { return write(root, groups); });
}

Status Clinician::purge_now(const RootKey& root) {
  return alone([&] { return purge(root); });
}

}  // namespace omrsync::memory
