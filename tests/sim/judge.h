#pragma once

#include <string>
#include <vector>

#include "tests/sim/country.h"

namespace omrsync::sim {

/// What is wrong with a country that came to rest, a sentence each: nodes that differ (I1), writes that are nowhere
/// (I2), sets taken twice (I3), databases that show something else, sets that still wait (I7), an audit chain that is
/// broken (I12).
[[nodiscard]] std::vector<std::string> judge(Country& country);

/// A state in one line, for people.
[[nodiscard]] std::string spell(const std::optional<RootState>& state);
[[nodiscard]] std::string spell(const std::optional<GroupValue>& value);

/// The same, for tests: empty when all is well.
[[nodiscard]] std::string verdict(Country& country);

}  // namespace omrsync::sim
