#pragma once

#include <string>
#include <vector>

#include "tests/sim/history.h"

namespace omrsync::sim {

/// Names of the faults that can be planted.
[[nodiscard]] std::vector<std::string> plants();

/// Plants one, for this process and these options. False: there is none of that name.
bool plant(const std::string& name, HistoryOptions& options);

/// Takes all of them out again.
void uproot();

}  // namespace omrsync::sim
