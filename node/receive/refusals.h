#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/ports/clock.h"
#include "adapters/ports/store.h"
#include "node/world.h"
#include "protocol/codes.h"

namespace omrsync::node {

/// Audit records of callers that were refused. The same refusal of the same caller is written at most once a
/// minute, with how often it came meanwhile, so that nobody fills the disk by being refused. Thread-safe.
class Refusals {
 public:
  Refusals(ports::Store& store, ports::Clock& clock) : store_(store), clock_(clock) {}

  /// `who`: a node's uuid, or where a caller without one calls from. A store that cannot be written is no failure here:
  /// the caller is refused all the same.
  void note(std::string_view who, std::string_view asked, Code code);

 private:
  struct Seen {
    std::chrono::milliseconds written{0};
    std::uint64_t since = 0;  ///< refusals that are not written yet
  };

  ports::Store& store_;
  ports::Clock& clock_;
  Guarded<std::map<std::pair<std::string, Code>, Seen>> seen_;
};

}  // namespace omrsync::node
