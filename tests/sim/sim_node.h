#pragma once

#include <map>
#include <memory>
#include <string>

#include "adapters/memory/clinician.h"
#include "adapters/memory/clock.h"
#include "adapters/memory/entropy.h"
#include "adapters/memory/log.h"
#include "adapters/memory/openmrs_codec.h"
#include "adapters/memory/openmrs_twin.h"
#include "adapters/memory/store.h"
#include "adapters/repository/repository.h"
#include "node/engine.h"
#include "tests/sim/network.h"
#include "tests/sim/power.h"

namespace omrsync::sim {

/// One clinic or office: a computer with OpenMRS and a node beside it. Turned off and on, restored, and asked about.
class SimNode {
 public:
  /// `is_repository`: it has no OpenMRS; `openmrs` shows what it holds after `mirror`.
  SimNode(std::uint8_t number, std::string name, SimNode* parent, bool has_children, bool is_repository = false);

  /// A process begins over what is durable. Needs the parent to have been started once.
  void start(Network& network);
  /// The process ends; what was not durable is gone.
  void stop();
  [[nodiscard]] bool running() const noexcept { return engine_ != nullptr; }
  [[nodiscard]] bool has_captured(const ports::LogPosition& position) const {
    return engine_ != nullptr &&
           engine_->shared().progress.with([&](node::Progress& p) { return !(p.read_through < position); });
  }
  /// A new life began: the process builds its engine anew.
  [[nodiscard]] bool over() const { return engine_ != nullptr && engine_->shared().over.load(); }

  [[nodiscard]] std::string id() const { return to_string(identity_.node); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] SimNode* parent() const noexcept { return parent_; }
  [[nodiscard]] bool has_children() const noexcept { return has_children_; }
  [[nodiscard]] bool is_repository() const noexcept { return is_repository_; }
  [[nodiscard]] std::uint8_t number() const noexcept { return number_; }

  /// One step of a worker; nothing where there is none of that name.
  void step(std::string_view worker);
  [[nodiscard]] std::vector<node::Worker*> workers() const;
  std::optional<ports::Response> answer(const ports::IncomingRequest& request);

  ports::Store& disk() { return *disk_; }
  /// The disk as it is now, and put back later.
  [[nodiscard]] std::unique_ptr<memory::MemoryStore> copy_disk() const { return disk_->clone(); }
  /// A new computer: nothing of the node is left, and it begins a new life (D28).
  void forget_everything();
  void replace_disk(std::unique_ptr<memory::MemoryStore> disk) { disk_ = std::move(disk); }

  /// Brings `openmrs` of a repository up to date.
  void mirror();
  /// A root's whole state, as this node would send it; nothing where it never heard of it.
  [[nodiscard]] std::optional<RootState> state(const RootKey& root);
  /// What decides whether anything is still going on here.
  [[nodiscard]] std::string fingerprint();

  memory::ManualClock clock;
  memory::OpenmrsTwin openmrs;
  Power power;
  std::shared_ptr<const conflict::Policy> policy;  ///< taken up at once; null: the built-in rules

 private:
  Status admit_at_parent();
  [[nodiscard]] std::unique_ptr<memory::MemoryStore> new_disk() const;
  [[nodiscard]] std::unique_ptr<repository::Repository> open_repository(ports::Store& store);

  const std::uint8_t number_;
  const std::string name_;
  SimNode* const parent_;
  const bool has_children_;
  const bool is_repository_;
  memory::SeededEntropy entropy_;
  memory::FlatCodec codec_;
  memory::NullLog log_;
  std::unique_ptr<memory::MemoryStore> disk_;
  std::unique_ptr<PoweredStore> store_;
  std::unique_ptr<repository::Repository> repository_;
  node::Identity identity_;
  std::unique_ptr<node::Engine> engine_;
};

}  // namespace omrsync::sim
