#pragma once

#include <string>
#include <vector>

#include "adapters/openmrs/model.h"

namespace omrsync::openmrs {

/// `tables` so that each comes after those it refers to: NOT NULL references always where they form no cycle, nullable
/// ones as far as possible. The same input gives the same order on every node.
[[nodiscard]] std::vector<std::string> insert_order(const Schema& schema, const std::vector<std::string>& tables);

}  // namespace omrsync::openmrs
