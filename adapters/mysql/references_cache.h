#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "adapters/openmrs/plans.h"

namespace omrsync::mysql {

/// A map that keeps about its last `limit` entries: the older half is dropped when the newer half is full, and an entry
/// that is read moves to the newer half.
template <typename Key>
class RecentMap {
 public:
  explicit RecentMap(std::size_t limit) : half_(limit / 2 + 1) {}

  [[nodiscard]] const std::string* find(const Key& key) {
    if (const auto found = young_.find(key); found != young_.end()) return &found->second;
    const auto found = old_.find(key);
    if (found == old_.end()) return nullptr;
    std::string value = std::move(found->second);
    old_.erase(found);
    return &put(key, std::move(value));
  }

  const std::string& put(const Key& key, std::string value) {
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_.clear();
    }
    return young_.insert_or_assign(key, std::move(value)).first->second;
  }

  void erase(const Key& key) {
    young_.erase(key);
    old_.erase(key);
  }

  void clear() {
    young_.clear();
    old_.clear();
  }

 private:
  std::size_t half_;
  std::unordered_map<Key, std::string> young_;
  std::unordered_map<Key, std::string> old_;
};

/// Texts of small type tables that other rows' meaning hangs on (person_attribute_type.format): table, column, local
/// key.
using TypeTexts = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] std::string type_text_name(std::string_view table, std::string_view local, std::string_view column);

/// Which local number has which key, as read or written before. Shared by all sessions of one database and thread-safe.
/// Only what was committed may be learnt. Numbers are never given twice within a database's life, but a row may be
/// purged, so that a remembered key can name a row that is gone: the foreign key then says so.
class KeyCache {
 public:
  explicit KeyCache(std::size_t limit = 40'000) : keys_(limit), locals_(limit) {}

  [[nodiscard]] std::optional<std::string> key_of(const openmrs::TablePlan& plan, std::string_view local);
  [[nodiscard]] std::optional<std::string> local_of(const openmrs::TablePlan& plan, std::string_view key);
  void learn_key(const openmrs::TablePlan& plan, std::string_view local, std::string key);
  void learn_local(const openmrs::TablePlan& plan, std::string_view key, std::string local);
  void forget(const openmrs::TablePlan& plan, std::string_view local, std::string_view key);
  void clear();

  /// Null: not read since the last `forget_type_texts`.
  [[nodiscard]] std::shared_ptr<const TypeTexts> type_texts();
  void set_type_texts(std::shared_ptr<const TypeTexts> texts);
  void forget_type_texts() { set_type_texts(nullptr); }

 private:
  std::mutex mutex_;
  RecentMap<std::string> keys_;    ///< table number and local number -> key
  RecentMap<std::string> locals_;  ///< table number and key -> local number
  std::shared_ptr<const TypeTexts> type_texts_;
};

}  // namespace omrsync::mysql
