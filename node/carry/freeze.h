#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "protocol/result.h"

namespace omrsync::node {

struct World;

/// What is to be in frozen batches, so that a stick can carry it.
struct FreezeRequest {
  std::string link;
  std::optional<std::uint64_t> until;  ///< an earlier report's: go on with what was there when that was asked
  bool wait_for_inbox = true;          ///< first let what came in be applied: its outcomes travel too
  std::chrono::milliseconds patience{1000};
};

struct FreezeReport {
  bool done = false;
  std::optional<std::uint64_t> until;  ///< for the next request; none: capture has not taken everything yet
  std::uint64_t through = 0;           ///< highest link number that is frozen
};

/// Freezes everything that OpenMRS had committed when this was first asked, the first load too, in batches that the
/// line may carry just as well. Takes about `patience` and tells how far it came: ask again with its `until` until it
/// is done. Failures: those of the database. Harmless beside the workers that make batches of the same link.
[[nodiscard]] Result<FreezeReport> freeze(const World& world, const FreezeRequest& request, std::stop_token stop);

}  // namespace omrsync::node
