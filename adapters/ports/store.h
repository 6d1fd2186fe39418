#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::ports {

/// One of the node's tables of (key, value), both byte strings, kept in the byte order of the keys.
/// The set is closed: node/store/tables.h lists every table and says what its rows mean.
struct TableName {
  std::string_view name;  ///< [a-z_]+, also the name in the database
};

/// What a scan hands out; valid only during the call.
struct Entry {
  std::string_view key;
  std::string_view value;
};

/// Return false to end the scan early.
using Visit = std::function<bool(const Entry&)>;

/// A consistent view of the store, or one unit of writing. Used by one thread. Everything is undone unless `commit` was
/// called and succeeded. Failures: `retry_later` (busy), `stop_node` (disk full, damaged); after a failure only
/// destruction is allowed.
class StoreTransaction {
 public:
  virtual ~StoreTransaction() = default;

  virtual Result<std::optional<std::string>> get(TableName table, std::string_view key) = 0;

  /// Entries with from <= key < to in rising order (`to` empty: to the end), at most `limit`; newest writes of this
  /// transaction included. The visitor may not touch the transaction.
  virtual Status scan(TableName table, std::string_view from, std::string_view to, std::size_t limit,
                      const Visit& visit) = 0;

  /// The entry with the highest key in from <= key < to, or none.
  virtual Result<std::optional<std::pair<std::string, std::string>>> last(TableName table, std::string_view from,
                                                                          std::string_view to) = 0;

  /// Inserts or replaces. Only in a writing transaction.
  virtual Status put(TableName table, std::string_view key, std::string_view value) = 0;

  /// Removes from <= key < to; nothing there is no failure. Only in a writing transaction.
  virtual Status erase(TableName table, std::string_view from, std::string_view to) = 0;

  /// Durable when it returns. Only in a writing transaction, once.
  virtual Status commit() = 0;
};

/// The node's durable memory. One writer at a time; any number of readers that see the last commit at their start.
/// Every table exists from the first use. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  /// Waits until the other writer of this process is done. A writer of another process: `retry_later`, SYNC-1403.
  virtual Result<std::unique_ptr<StoreTransaction>> write() = 0;

  virtual Result<std::unique_ptr<StoreTransaction>> read() = 0;
};

/// The key that follows `key` and everything that begins with `key` followed by nothing: the half-open end for one key.
[[nodiscard]] inline std::string after(std::string_view key) {
  std::string next(key);
  next.push_back('\0');
  return next;
}

/// The end of the range of all keys that begin with `prefix`; empty when there is none (a prefix of 0xFF only).
[[nodiscard]] inline std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace omrsync::ports
