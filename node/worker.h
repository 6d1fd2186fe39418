#pragma once

#include <chrono>
#include <stop_token>
#include <string_view>

#include "node/doorbell.h"

namespace omrsync::node {

/// When a worker wants to be called again.
struct Pace {
  std::chrono::milliseconds pause{0};
  Doorbell* bell = nullptr;  ///< when it rings after `seen` the pause is over
  std::uint64_t seen = 0;
  static Pace at_once() { return {}; }
  static Pace after(std::chrono::milliseconds pause) { return {pause}; }
  static Pace until(Doorbell& bell, std::uint64_t seen, std::chrono::milliseconds most) { return {most, &bell, seen}; }
};

/// One of the node's few threads of activity. A worker never sleeps, loops or starts threads: it does a bounded piece
/// of work, with one durable effect, and says when it wants to be called again. The supervisor gives each a thread of
/// its own; the simulator drives all of them from one.
class Worker {
 public:
  virtual ~Worker() = default;

  /// Also the thread's name: 15 characters at most.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  /// Always called from the same thread. Once `stop` is requested, returns soon with its state durable.
  virtual Pace step(std::stop_token stop) = 0;

  /// True when it need not wait out the pause that it asked for: somebody is in a hurry. Asked by the thread that steps
  /// it.
  [[nodiscard]] virtual bool wants_now() { return false; }
};

}  // namespace omrsync::node
