#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace omrsync::node {

/// Wakes those who wait for something to change. Never needed for correctness: everybody also looks after a while.
/// Thread-safe.
class Doorbell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      ++rings_;
    }
    changed_.notify_all();
  }

  [[nodiscard]] std::uint64_t rings() {
    const std::lock_guard lock(mutex_);
    return rings_;
  }

  /// Returns when it rang after `seen` (true), after `patience`, or when asked to stop.
  bool wait(std::uint64_t seen, std::chrono::milliseconds patience, std::stop_token stop = {}) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, stop, patience, [&] { return rings_ != seen; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t rings_ = 0;
};

}  // namespace omrsync::node
