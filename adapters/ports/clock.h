#pragma once

#include <chrono>
#include <cstdint>

namespace omrsync::ports {

/// Time as an input. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Never goes back; for pauses and time-outs.
  virtual std::chrono::milliseconds steady() = 0;

  /// Milliseconds since 1970-01-01T00:00:00Z as this machine believes; may jump either way.
  virtual std::chrono::milliseconds utc() = 0;
};

/// Chance as an input. Thread-safe.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual std::uint64_t next() = 0;
};

}  // namespace omrsync::ports
