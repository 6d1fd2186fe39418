#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "adapters/repository/references.h"
#include "adapters/repository/repository.h"
#include "adapters/repository/rows.h"
#include "adapters/repository/tables.h"
#include "protocol/digest.h"

namespace omrsync::repository {

/// What the parts of one repository share. Thread-safe.
class Core {
 public:
  Core(ports::Store& the_store, ports::Clock& the_clock, Options the_options);

  ports::Store& store;
  ports::Clock& clock;
  const Options options;
  const References references;
  const KeyedHash hash;

  /// The column (empty: the whole table) never travels.
  [[nodiscard]] bool never_travels(std::string_view table, std::string_view column = {}) const;
  [[nodiscard]] ports::RootContent content_of(const Row& row) const;

  /// False: another unit holds it. A unit is known by its address.
  bool lock(const std::string& name, const void* unit);
  void unlock_all(const void* unit);

  /// How often something was committed in this process.
  [[nodiscard]] std::uint64_t rings();
  void ring();
  /// Returns when something was committed after `seen`, or after `patience`.
  void wait(std::uint64_t seen, std::chrono::milliseconds patience);

 private:
  std::mutex mutex_;  ///< of all below
  std::condition_variable changed_;
  std::map<std::string, const void*, std::less<>> locks_;
  std::uint64_t rings_ = 0;
};

inline constexpr std::string_view kCommits = "commits";      ///< meta: how many commits there were ever
inline constexpr std::string_view kRowsEver = "rows";        ///< meta: how many rows there were ever
inline constexpr std::string_view kSignature = "signature";  ///< meta
inline constexpr std::string_view kCountOf = "count/";       ///< meta: and a table: how many rows it has

[[nodiscard]] std::string number_key(std::uint64_t number);
Result<std::uint64_t> meta_number(ports::StoreTransaction& tx, std::string_view name);
Result<std::optional<Row>> row_of(ports::StoreTransaction& tx, const RootKey& root);
/// The place in the log behind that many commits.
[[nodiscard]] ports::LogPosition position_of(std::uint64_t commits);

}  // namespace omrsync::repository
