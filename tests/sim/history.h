#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/country.h"

namespace omrsync::sim {

/// What may happen in a random history.
struct HistoryOptions {
  std::size_t nodes = 4;
  std::size_t acts = 60;
  bool crashes = true;
  bool bad_lines = true;
  bool clinicians_between_calls = true;
  bool purges = true;
  bool stale_forms = true;
  bool metadata = true;
  bool unequal_copies = true;
  bool restores = false;
  bool repository = false;      ///< the root, and perhaps others with children, have no OpenMRS
  bool policies = true;         ///< every third seed: nodes decide clinical conflicts too, each by a policy of its own
  bool wait_for_locks = false;  ///< a planted fault of the session
  bool deletes_unguarded = false;  ///< another
  std::optional<RootKey> trace;
};

/// Plays one random history from a seed; the violations that it ends with.
[[nodiscard]] std::vector<std::string> play_history(std::uint64_t seed, const HistoryOptions& options);

}  // namespace omrsync::sim
