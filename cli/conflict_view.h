#pragma once

#include <string>
#include <vector>

#include "node/admin/conflicts.h"

namespace omrsync::cli {

/// A conflict for a terminal of 80 columns: who wrote each side, when and where, then field by field what each side and
/// the base have. `revealed`: with values, else with digests.
[[nodiscard]] std::vector<std::string> conflict_view(const admin::Conflict& conflict, bool revealed);

/// Columns of a value, by name; none where the row was removed.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> fields_of(const std::optional<GroupValue>& value);

}  // namespace omrsync::cli
