#pragma once

#include <cstdint>
#include <memory>

#include "adapters/memory/openmrs_twin.h"
#include "adapters/ports/store.h"

namespace omrsync::sim {

/// The electricity of one node's computer. Durable effects (commits of the store and of the node's transactions in
/// OpenMRS) are counted; the power can be cut before or after one to come. From then on nothing the process does has
/// any effect, until the node is started anew.
class Power {
 public:
  enum class Cut { before, after };

  void cut_at(std::uint64_t effects_from_now, Cut when) {
    left_ = effects_from_now;
    when_ = when;
  }
  void restore() {
    on_ = true;
    left_ = 0;
  }
  [[nodiscard]] bool on() const noexcept { return on_; }
  [[nodiscard]] std::uint64_t effects() const noexcept { return effects_; }

  enum class Effect { happens, happens_unheard, lost };

  /// A durable effect is about to happen.
  Effect spend() {
    if (!on_) return Effect::lost;
    ++effects_;
    if (left_ == 0 || --left_ > 0) return Effect::happens;
    on_ = false;
    return when_ == Cut::before ? Effect::lost : Effect::happens_unheard;
  }

 private:
  bool on_ = true;
  std::uint64_t left_ = 0;
  Cut when_ = Cut::before;
  std::uint64_t effects_ = 0;
};

/// The node's store as long as there is power.
class PoweredStore final : public ports::Store {
 public:
  PoweredStore(ports::Store& inner, Power& power) : inner_(inner), power_(power) {}
  Result<std::unique_ptr<ports::StoreTransaction>> write() override;
  Result<std::unique_ptr<ports::StoreTransaction>> read() override;

 private:
  ports::Store& inner_;
  Power& power_;
};

/// Makes the twin deaf to a process without power.
void connect_power(memory::OpenmrsTwin& twin, Power& power);

}  // namespace omrsync::sim
