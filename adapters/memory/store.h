#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/memory/store_tree.h"
#include "adapters/ports/store.h"

namespace omrsync::memory {

/// The store in memory: the contract of the port without a disk. "Durable" means: in every `clone` made afterwards.
/// Ends after its transactions.
class MemoryStore final : public ports::Store {
 public:
  explicit MemoryStore(std::span<const std::string_view> tables);

  /// A store of its own with what is committed now, as a disk holds it after a crash. O(1); any thread, any time.
  [[nodiscard]] std::unique_ptr<MemoryStore> clone() const;

  Result<std::unique_ptr<ports::StoreTransaction>> write() override;
  Result<std::unique_ptr<ports::StoreTransaction>> read() override;

 private:
  class Reading;
  class Writing;
  using Names = std::vector<std::string>;
  using Trees = std::vector<StoreTree>;  ///< one a table, in the order of the names

  /// What is committed; replaced as a whole, never changed.
  struct State {
    std::shared_ptr<const Names> names;  ///< sorted
    std::shared_ptr<const Trees> trees;
    std::uint64_t writers = 0;  ///< numbers given to writers so far
  };

  explicit MemoryStore(State state) : state_(std::move(state)) {}
  State state() const;

  mutable std::mutex mutex_;  ///< of state_
  State state_;
  std::mutex writer_;  ///< held while a writing transaction is open
  std::atomic<std::thread::id> writing_thread_{};
};

}  // namespace omrsync::memory
