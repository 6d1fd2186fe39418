#include "adapters/mysql/references_cache.h"

namespace omrsync::mysql {
namespace {

std::string entry_name(const openmrs::TablePlan& plan, std::string_view text) {
  std::string name;
  name.reserve(plan.table->name.size() + 1 + text.size());
  name.append(plan.table->name).push_back('/');
  name.append(text);
  return name;
}

std::optional<std::string> copy(const std::string* found) {
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace

std::optional<std::string> KeyCache::key_of(const openmrs::TablePlan& plan, std::string_view local) {
  const std::lock_guard lock(mutex_);
  return copy(keys_.find(entry_name(plan, local)));
}

std::optional<std::string> KeyCache::local_of(const openmrs::TablePlan& plan, std::string_view key) {
  const std::lock_guard lock(mutex_);
  return copy(locals_.find(entry_name(plan, key)));
}

void KeyCache::learn_key(const openmrs::TablePlan& plan, std::string_view local, std::string key, std::uint64_t since) {
  const std::lock_guard lock(mutex_);
  if (since == age_) keys_.put(entry_name(plan, local), std::move(key));
}

void KeyCache::learn_local(const openmrs::TablePlan& plan, std::string_view key, std::string local,
                           std::uint64_t since) {
  const std::lock_guard lock(mutex_);
  if (since == age_) locals_.put(entry_name(plan, key), std::move(local));
}

void KeyCache::forget(const openmrs::TablePlan& plan, std::string_view local, std::string_view key) {
  const std::lock_guard lock(mutex_);
  keys_.erase(entry_name(plan, local));
  locals_.erase(entry_name(plan, key));
}

void KeyCache::clear() {
  const std::lock_guard lock(mutex_);
  ++age_;
  keys_.clear();
  locals_.clear();
}

std::uint64_t KeyCache::age() {
  const std::lock_guard lock(mutex_);
  return age_;
}

}  // namespace omrsync::mysql
