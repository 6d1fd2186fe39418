#pragma once

#include <chrono>
#include <cstdint>

#include "adapters/ports/clock.h"
#include "node/store/pack.h"
#include "protocol/state.h"

namespace omrsync::node {

/// True time is the clock of the root of the tree, told from parent to child at each greeting (clock rules 2 to 4).
/// What a node knows of it; a child's dates say nothing to others from the moment that somebody sets its clock, or that
/// the machine starts anew, until its parent has told it the time again. Meta "true_time".
struct TrueTime {
  std::int64_t boot_ms = 0;     ///< wall clock minus steady clock
  std::int64_t since_ms = 0;    ///< both ran alike from here on, by the wall clock
  std::int64_t told_at_ms = 0;  ///< by the wall clock; 0: not told since then
  std::int64_t offset_ms = 0;   ///< true time minus the wall clock
  std::int64_t error_ms = 0;
  bool trusted = false;  ///< the teller's was, and ours was not far off
  void pack(Packer& out) const;
  static TrueTime unpack(Unpacker& in);
};

/// A time as one node tells it to another.
struct ToldTime {
  std::int64_t at_ms = 0;
  std::int64_t error_ms = 0;
  bool trusted = false;
};

/// Looks whether the clock was set since.
void watch_clock(TrueTime& time, ports::Clock& clock);
/// The parent told the time; its answer took `round_trip`.
void take_time(TrueTime& time, ports::Clock& clock, const ToldTime& told, std::chrono::milliseconds round_trip);
/// What this node tells its children. `is_root`: its clock is the true one.
[[nodiscard]] ToldTime tell_time(const TrueTime& time, ports::Clock& clock, bool is_root);
/// Of something that happened when this node's wall clock showed `at_ms`, in whole seconds as OpenMRS's log has it.
[[nodiscard]] Stamp stamp_of(const TrueTime& time, std::int64_t at_ms, bool is_root);

}  // namespace omrsync::node
