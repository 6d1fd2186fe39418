#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/database_tables.h"
#include "adapters/mysql/references_cache.h"
#include "adapters/openmrs/rows.h"
#include "protocol/result.h"

namespace omrsync::mysql {

/// Roots that stand for a row of another uuid here (D19): table and incoming key -> the key of the row that is there.
using Aliases = std::map<std::pair<std::string, std::string>, std::string>;

/// The keys that one piece of work needs, read in bulk: one query a table. Used by one thread.
class References : public openmrs::KeyBook {
 public:
  /// `cache` and `aliases` may be null; `cache` must outlive this.
  References(const Compiled& compiled, KeyCache* cache, std::shared_ptr<const Aliases> aliases);

  /// Texts of type tables that the meaning of rows of these tables hangs on (person_attribute_type.format), once for
  /// each table; needed before `openmrs::wanted_keys`.
  Status read_types(Connection& connection, const std::set<const openmrs::TablePlan*>& tables);

  /// Finds the keys of rows known by local key. What is not found stays unknown.
  Status find_keys(Connection& connection, std::vector<openmrs::Wanted> wanted);

  /// Finds the local keys of rows known by key.
  Status find_locals(Connection& connection, std::vector<openmrs::Wanted> wanted);

  /// A row that need not be looked up: it was seen, or this transaction wrote it.
  void know_key(const openmrs::TablePlan& plan, std::string_view local, std::string key);
  void know_local(const openmrs::TablePlan& plan, std::string_view key, std::string local);

  void clear();

  [[nodiscard]] std::optional<std::string_view> key_of(const openmrs::TablePlan& target,
                                                       std::string_view local) const override;
  [[nodiscard]] std::optional<std::string_view> local_of(const openmrs::TablePlan& target,
                                                         std::string_view key) const override;
  [[nodiscard]] std::optional<std::string_view> text_of(const openmrs::TablePlan& type_table, std::string_view local,
                                                        std::string_view column) const override;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using Map = std::unordered_map<std::string, std::string, Hash, std::equal_to<>>;
  using Texts = std::vector<std::string_view>;

  Status select_keys(Connection& connection, const openmrs::TablePlan& plan, const Texts& locals);
  Status select_locals(Connection& connection, const openmrs::TablePlan& plan, const Texts& keys);
  [[nodiscard]] std::string_view dealias(const openmrs::TablePlan& plan, std::string_view key) const;

  const Compiled& compiled_;
  KeyCache* cache_;
  std::shared_ptr<const Aliases> aliases_;
  std::uint64_t since_ = 0;                                ///< the cache's age when this began to read
  std::set<const openmrs::TablePlan*> typed_;              ///< tables whose types were read
  std::map<std::string, std::string, std::less<>> types_;  ///< by table, column and local number
  std::vector<Map> keys_;                                  ///< by table number
  std::vector<Map> locals_;                                ///< by table number; keys as asked for
};

/// Calls `work` with at most 500 of `items` at a time.
Status in_chunks(const std::vector<std::string_view>& items,
                 const std::function<Status(std::span<const std::string_view>)>& work);

inline constexpr std::size_t kKeysPerQuery = 500;

}  // namespace omrsync::mysql
