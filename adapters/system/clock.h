#pragma once

#include "adapters/ports/clock.h"

namespace omrsync::system {

/// This machine's clocks.
class Clock final : public ports::Clock {
 public:
  std::chrono::milliseconds steady() override;
  std::chrono::milliseconds utc() override;
};

/// The kernel's generator; fit for keys and tokens. Ends the process where the kernel has none.
class Entropy final : public ports::Entropy {
 public:
  std::uint64_t next() override;
};

}  // namespace omrsync::system
