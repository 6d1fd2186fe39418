#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/memory/store.h"
#include "adapters/sqlite/store.h"
#include "tests/support/result.h"
#include "tests/support/temporary_folder.h"

namespace omrsync::test {

inline constexpr std::array<std::string_view, 3> kTables = {"marks", "rows", "body_blob"};
inline constexpr ports::TableName kRows{"rows"};
inline constexpr ports::TableName kMarks{"marks"};
inline constexpr ports::TableName kBodies{"body_blob"};

/// A world has a `store()` and can `reopen()` it: what was committed is there again, and nothing else. A new
/// implementation joins the contract with a world of its own in OMRSYNC_STORE_WORLDS.
class SqliteWorld {
 public:
  SqliteWorld() { reopen(); }
  ports::Store& store() { return *store_; }
  void reopen() {
    store_.reset();
    store_ = must(sqlite::open_store(folder_ / "node.db", kTables));
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<ports::Store> store_;
};

class MemoryWorld {
 public:
  ports::Store& store() { return *store_; }
  void reopen() { store_ = store_->clone(); }

 private:
  std::unique_ptr<memory::MemoryStore> store_ = std::make_unique<memory::MemoryStore>(kTables);
};

#define OMRSYNC_STORE_WORLDS omrsync::test::SqliteWorld, omrsync::test::MemoryWorld

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Pairs scanned(ports::StoreTransaction& transaction, ports::TableName table, std::string_view from = {},
                     std::string_view to = {}, std::size_t limit = 1'000'000) {
  Pairs found;
  must(transaction.scan(table, from, to, limit, [&](const ports::Entry& entry) {
    found.emplace_back(entry.key, entry.value);
    return true;
  }));
  return found;
}

inline Pairs committed(ports::Store& store, ports::TableName table) {
  const auto reading = must(store.read());
  return scanned(*reading, table);
}

inline void put_and_commit(ports::Store& store, ports::TableName table, const Pairs& pairs) {
  const auto writing = must(store.write());
  for (const auto& [key, value] : pairs) must(writing->put(table, key, value));
  must(writing->commit());
}

}  // namespace omrsync::test
