#pragma once

#include <memory>

#include "adapters/ports/log.h"
#include "adapters/ports/store.h"
#include "node/admin/engine.h"
#include "node/app/config.h"
#include "node/world.h"
#include "protocol/result.h"

namespace omrsync::app {

/// What a reload may change under a running engine. Thread-safe.
struct LiveRules {
  admin::LineRulesNow line;
  node::PolicyNow policy;
};

/// Puts the node together from the concrete adapters that its configuration names; nothing runs yet. `listening`:
/// children may call while it runs. Whatever is handed in outlives the engine.
[[nodiscard]] Result<std::unique_ptr<admin::Engine>> make_engine(const Config& config, ports::Store& store,
                                                                 ports::Log& log, LiveRules rules, bool listening);

}  // namespace omrsync::app
