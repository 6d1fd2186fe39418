#pragma once

#include <optional>
#include <string>
#include <vector>

namespace omrsync::mysql {

/// One column's value as bytes; nothing is SQL NULL. May hold any byte, NUL included.
using Cell = std::optional<std::string>;

using Row = std::vector<Cell>;

}  // namespace omrsync::mysql
