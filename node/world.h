#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "adapters/ports/clock.h"
#include "adapters/ports/log.h"
#include "adapters/ports/openmrs.h"
#include "adapters/ports/store.h"
#include "node/doorbell.h"
#include "node/ledger/state.h"
#include "node/store/records.h"
#include "node/true_time.h"

namespace omrsync::conflict {
struct Policy;
}

namespace omrsync::node {

/// A value that several threads touch, only inside `with`, under its lock.
template <typename T>
class Guarded {
 public:
  template <typename F>
  auto with(F use) {
    const std::lock_guard lock(mutex_);
    return use(value_);
  }

 private:
  std::mutex mutex_;
  T value_{};
};

/// What the workers of one node tell each other beside the store. Lost at a crash without harm.
struct Progress {
  ports::LogPosition read_through;  ///< capture has taken everything up to here into the store
  std::optional<std::chrono::milliseconds>
      local_write_at;  ///< steady clock: when capture last met somebody else's transaction
  bool capture_open = false;
  std::set<RootKey> in_flight;      ///< roots of apply transactions whose marker capture has not passed
  std::set<std::string> committed;  ///< inbox keys of their sets
  Error capture_error{Remedy::retry_later, Code::defect, {}};
  bool capture_failed = false;
};

/// The entries of an inbox item, as whole states.
using RootStates = std::vector<std::pair<RootKey, RootState>>;

struct Shared {
  Guarded<Progress> progress;
  Guarded<std::map<std::string, RootStates>>
      applied;  ///< inbox key -> what apply read of it, so that landing need not; some
  Guarded<TrueTime> true_time;
  std::atomic<bool> over{false};  ///< the node began a new life: the engine is to be built anew (lives/life.h)
  Doorbell changed;               ///< capture moved, a set arrived or was done with, a batch was acknowledged
  Doorbell arrived;               ///< a set stands in the inbox
  Doorbell wanted;                ///< somebody waits for capture

  /// Some of the roots stand in an apply transaction whose marker capture has not passed.
  bool flies(std::span<const RootKey> roots) {
    return progress.with([&](Progress& p) {
      return std::any_of(roots.begin(), roots.end(), [&](const RootKey& root) { return p.in_flight.contains(root); });
    });
  }
  bool anything_flies() {
    return progress.with([](Progress& p) { return !p.in_flight.empty(); });
  }

  /// Capture has taken everything up to there; else it is told that somebody waits for it.
  bool captured(const ports::LogPosition& position) {
    const bool yes = progress.with([&](Progress& p) { return !(p.read_through < position); });
    if (!yes) wanted.ring();
    return yes;
  }
};

/// The policy that counts at this moment; null: the built-in rules. Asked anew for each decision, so that a reload
/// needs nothing else. Thread-safe.
using PolicyNow = std::function<std::shared_ptr<const conflict::Policy>()>;

/// Everything that a worker may touch. Built once, outlives the workers.
struct World {
  ports::Store& store;
  ports::OpenmrsDatabase& openmrs;
  const ports::BodyCodec& codec;
  ports::Clock& clock;
  ports::Entropy& entropy;
  ports::Log& log;
  Shared& shared;
  Identity identity;
  LoadDots dots;
  bool has_parent = false;
  bool has_children = false;
  std::chrono::milliseconds unseen_window{std::chrono::minutes(15)};  ///< [apply] unseen_window (D7c)
  PolicyNow policy{};                                                 ///< may be empty: the built-in rules

  /// Of what happened when the wall clock showed `at_ms`.
  [[nodiscard]] Stamp stamp(std::int64_t at_ms) const {
    return shared.true_time.with([&](TrueTime& time) {
      watch_clock(time, clock);
      return stamp_of(time, at_ms, !has_parent);
    });
  }
};

}  // namespace omrsync::node
