#include "adapters/mysql/references_cache.h"

namespace omrsync::mysql {
namespace {

std::string entry_name(const openmrs::TablePlan& plan, std::string_view text) {
  std::string name;
  name.reserve(text.size() + 2);
  name.push_back(static_cast<char>(plan.number >> 8U));
  name.push_back(static_cast<char>(plan.number));
  name.append(text);
  return name;
}

std::optional<std::string> copy(const std::string* found) {
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace

std::string type_text_name(std::string_view table, std::string_view local, std::string_view column) {
  std::string name(table);
  name.append(".").append(column).append("/").append(local);
  return name;
}

std::optional<std::string> KeyCache::key_of(const openmrs::TablePlan& plan, std::string_view local) {
  const std::lock_guard lock(mutex_);
  return copy(keys_.find(entry_name(plan, local)));
}

std::optional<std::string> KeyCache::local_of(const openmrs::TablePlan& plan, std::string_view key) {
  const std::lock_guard lock(mutex_);
  return copy(locals_.find(entry_name(plan, key)));
}

void KeyCache::learn_key(const openmrs::TablePlan& plan, std::string_view local, std::string key) {
  const std::lock_guard lock(mutex_);
  keys_.put(entry_name(plan, local), std::move(key));
}

void KeyCache::learn_local(const openmrs::TablePlan& plan, std::string_view key, std::string local) {
  const std::lock_guard lock(mutex_);
  locals_.put(entry_name(plan, key), std::move(local));
}

void KeyCache::forget(const openmrs::TablePlan& plan, std::string_view local, std::string_view key) {
  const std::lock_guard lock(mutex_);
  keys_.erase(entry_name(plan, local));
  locals_.erase(entry_name(plan, key));
}

void KeyCache::clear() {
  const std::lock_guard lock(mutex_);
  keys_.clear();
  locals_.clear();
  type_texts_ = nullptr;
}

std::shared_ptr<const TypeTexts> KeyCache::type_texts() {
  const std::lock_guard lock(mutex_);
  return type_texts_;
}

void KeyCache::set_type_texts(std::shared_ptr<const TypeTexts> texts) {
  const std::lock_guard lock(mutex_);
  type_texts_ = std::move(texts);
}

}  // namespace omrsync::mysql
