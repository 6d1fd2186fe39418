#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "adapters/ports/exchange.h"
#include "adapters/ports/program.h"
#include "node/receive/parent_service.h"
#include "node/ship/parent_workers.h"
#include "node/worker.h"
#include "node/world.h"

namespace omrsync::node {

/// What a round did (`omrsync sync`).
struct RoundReport {
  std::uint64_t captured = 0, sent = 0, received = 0, applied = 0, merged = 0, conflicts = 0, held = 0, quarantined = 0;
  std::optional<Error> failure;  ///< why the round did not come to its end
};

/// What an engine is built of. The ports outlive it.
struct EngineParts {
  ports::Store& store;
  ports::OpenmrsDatabase& openmrs;
  const ports::BodyCodec& codec;
  ports::Clock& clock;
  ports::Entropy& entropy;
  ports::Log& log;
  Identity identity;
  std::unique_ptr<ports::ChangeSource> changes;
  std::unique_ptr<ports::ParentLink> push_link;  ///< null: the root of the tree
  std::unique_ptr<ports::ParentLink> pull_link;
  bool has_children = false;
  std::chrono::milliseconds unseen_window{std::chrono::minutes(15)};
  PolicyNow policy{};                        ///< empty: the built-in rules
  ports::ProgramRunner* programs = nullptr;  ///< null: programs of a policy are not asked, people decide
};

/// One node: its workers over its ports, whatever its role.
class Engine {
 public:
  explicit Engine(EngineParts parts);
  ~Engine();

  /// To be given threads by the supervisor, or driven one by one.
  [[nodiscard]] std::vector<Worker*> workers() const;

  /// For the listener, and for admin functions.
  [[nodiscard]] ParentService& service() noexcept { return service_; }
  [[nodiscard]] const World& world() const noexcept { return world_; }
  [[nodiscard]] Shared& shared() noexcept { return shared_; }

  /// Waits while the workers capture everything committed by now, send it, hear what became of it, fetch what the
  /// parent has and apply it. Ends early at `deadline` (steady clock) or on a failure of the line that lasts
  /// `patience`.
  RoundReport round(std::chrono::milliseconds deadline, std::stop_token stop);

 private:
  struct Counts;
  Result<Counts> counts();
  struct Stuck {
    std::uint64_t held = 0, quarantined = 0;
  };
  Result<Stuck> stuck();
  Result<bool> round_done(const ports::LogPosition& target, std::uint64_t pulls);
  std::optional<Error> line_failure();

  Shared shared_;
  Guarded<ParentContact> contact_;
  World world_;
  ParentService service_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace omrsync::node
