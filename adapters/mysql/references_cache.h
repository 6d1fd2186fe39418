#pragma once

#include <cstdint>
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

/// Which local number has which key, as read or written before. Shared by all sessions of one database, whatever schema
/// each compiled, and thread-safe. Only what was committed may be learnt. Numbers are never given twice within a
/// database's life, but a row may be purged, so that a remembered key can name a row that is gone: the foreign key then
/// says so. Where that life may have ended, and tables were made anew, everything is to be forgotten (`clear`).
class KeyCache {
 public:
  explicit KeyCache(std::size_t limit = 40'000) : keys_(limit), locals_(limit) {}

  [[nodiscard]] std::optional<std::string> key_of(const openmrs::TablePlan& plan, std::string_view local);
  [[nodiscard]] std::optional<std::string> local_of(const openmrs::TablePlan& plan, std::string_view key);
  /// Passes over what was read before the last `clear`: `since` is `age` as it was before the reading began.
  void learn_key(const openmrs::TablePlan& plan, std::string_view local, std::string key, std::uint64_t since);
  void learn_local(const openmrs::TablePlan& plan, std::string_view key, std::string local, std::uint64_t since);
  void forget(const openmrs::TablePlan& plan, std::string_view local, std::string_view key);
  void clear();
  [[nodiscard]] std::uint64_t age();

 private:
  std::mutex mutex_;
  std::uint64_t age_ = 0;          ///< so often it was cleared
  RecentMap<std::string> keys_;    ///< table and local number -> key
  RecentMap<std::string> locals_;  ///< table and key -> local number
};

}  // namespace omrsync::mysql
