#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "adapters/ports/store.h"

namespace omrsync::memory {

/// One failure to come.
struct StoreFault {
  enum class Counting {
    operations,  ///< write, read, get, scan, last, put, erase and commit
    commits,     ///< commits only
  };
  enum class When { before_effect, after_effect };

  Counting counting = Counting::operations;
  std::uint64_t in = 1;  ///< the how manieth from now on fails; 1: the next
  When when = When::before_effect;
  bool lasting = false;  ///< everything after it fails too, until `heal`
  Error error{Remedy::retry_later, Code::disk_full, "the disk is full (planned)"};
};

/// A store that fails as planned. After `after_effect` a commit is durable although it is reported as failed. A
/// transaction that met a failure answers everything with a defect, as the port allows only its destruction.
/// Thread-safe; ends before `inner`, after its transactions.
class FaultyStore final : public ports::Store {
 public:
  explicit FaultyStore(ports::Store& inner) : inner_(inner) {}

  /// Replaces what was planned before.
  void plan(StoreFault fault);
  void heal();

  /// Operations and commits begun so far, failed ones included.
  [[nodiscard]] std::uint64_t operations() const;
  [[nodiscard]] std::uint64_t commits() const;

  Result<std::unique_ptr<ports::StoreTransaction>> write() override;
  Result<std::unique_ptr<ports::StoreTransaction>> read() override;

 private:
  class Transaction;

  /// Counts one operation; the fault it is to meet, if any.
  std::optional<StoreFault> meet(bool is_commit);

  /// Runs `work` with the fault that is due: instead of it, or after it when it succeeded.
  template <typename Work>
  auto run(bool is_commit, Work work) -> decltype(work());

  ports::Store& inner_;
  mutable std::mutex mutex_;
  std::optional<StoreFault> planned_;  ///< `in` counts down; 0: it has struck and lasts
  std::uint64_t operations_ = 0;
  std::uint64_t commits_ = 0;
};

}  // namespace omrsync::memory
