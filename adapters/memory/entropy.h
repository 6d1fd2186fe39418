#pragma once

#include <atomic>

#include "adapters/ports/clock.h"

namespace omrsync::memory {

/// Chance that repeats with its seed (splitmix64). Thread-safe; the order of calls decides who gets which number.
class SeededEntropy final : public ports::Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() override {
    std::uint64_t z = state_.fetch_add(kStep) + kStep;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;
  std::atomic<std::uint64_t> state_;
};

}  // namespace omrsync::memory
