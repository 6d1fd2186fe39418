#pragma once

#include <chrono>
#include <string>

#include "node/admin/conflicts.h"
#include "node/app/config.h"

namespace omrsync::app {

/// Who sits at this machine, for the record: the login name.
[[nodiscard]] std::string operator_name();

/// The conflict once the running daemon has written the decision that was put down for it, or after `patience`. Without
/// a daemon: at once, the decision still waits. `decision_dropped` when the node gave the decision up.
[[nodiscard]] Result<admin::Conflict> await_decision(const Config& config, ports::Store& store, const std::string& id,
                                                     bool undo, std::chrono::milliseconds patience);

}  // namespace omrsync::app
