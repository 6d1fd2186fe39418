#pragma once

#include <vector>

#include "cli/command.h"
#include "node/admin/conflicts.h"

namespace omrsync::cli {

/// --type, --site, --age and --policy, as every command has them that means several conflicts.
[[nodiscard]] std::vector<OptionSpec> conflict_filters();
[[nodiscard]] Result<admin::ConflictFilter> conflict_filter(const Arguments& arguments);

}  // namespace omrsync::cli
