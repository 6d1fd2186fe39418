#pragma once

#include <atomic>

#include "adapters/ports/clock.h"

namespace omrsync::memory {

/// Time that stands still until it is told to move. Thread-safe.
class ManualClock final : public ports::Clock {
 public:
  explicit ManualClock(std::chrono::milliseconds utc = std::chrono::milliseconds(1'750'000'000'000))
      : utc_(utc.count()) {}

  std::chrono::milliseconds steady() override { return std::chrono::milliseconds(steady_.load()); }
  std::chrono::milliseconds utc() override { return std::chrono::milliseconds(utc_.load()); }

  /// Time passes: both move on. `by` is not negative.
  void advance(std::chrono::milliseconds by) {
    steady_ += by.count();
    utc_ += by.count();
  }

  /// Somebody sets the machine's clock, to either side; steady time does not notice.
  void set_utc(std::chrono::milliseconds to) { utc_ = to.count(); }
  void jump_utc(std::chrono::milliseconds by) { utc_ += by.count(); }

 private:
  std::atomic<std::int64_t> steady_{0};
  std::atomic<std::int64_t> utc_;
};

}  // namespace omrsync::memory
