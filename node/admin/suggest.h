#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace omrsync::admin {

/// What somebody who wrote `word` probably meant: the nearest candidate, if one is near. Swapped neighbours, a missing,
/// a wrong or an extra letter count one step each; upper and lower case are the same.
[[nodiscard]] std::optional<std::string> suggest(std::string_view word, std::span<const std::string> candidates);

}  // namespace omrsync::admin
