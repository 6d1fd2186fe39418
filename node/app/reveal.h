#pragma once

#include "node/admin/conflicts.h"
#include "node/app/config.h"
#include "protocol/result.h"

namespace omrsync::app {

/// Fills in the values that stand only in the OpenMRS database. Without a database, or while it is away, they stay
/// unknown and the failure says so.
[[nodiscard]] Status reveal(const Config& config, admin::Conflict& conflict);

}  // namespace omrsync::app
