#pragma once

#include <string>

namespace omrsync::admin {

/// The page docs/troubleshooting.md: where to look first, then every code with its meaning and remedy.
[[nodiscard]] std::string troubleshooting_page();

}  // namespace omrsync::admin
