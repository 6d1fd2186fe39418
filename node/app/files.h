#pragma once

#include <filesystem>

#include "protocol/result.h"

namespace omrsync::app {

/// Makes the folder and its parents where they are missing; a new one has mode 0700.
[[nodiscard]] Status make_private_folder(const std::filesystem::path& path);

}  // namespace omrsync::app
