#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omrsync::openmrs {

/// The form of a name that all names have which utf8mb4_general_ci takes for equal, as OpenMRS's servers compare them:
/// lower case, without accents, without trailing blanks; characters beyond the first plane are one and the same. Bytes
/// that are not UTF-8 stay as they are.
[[nodiscard]] std::string fold_name(std::string_view text);

struct FoldPair {
  std::uint16_t from;
  std::uint16_t to;
};

/// Characters beyond ASCII that fold_name changes, by rising code.
[[nodiscard]] const std::vector<FoldPair>& fold_pairs();

}  // namespace omrsync::openmrs
