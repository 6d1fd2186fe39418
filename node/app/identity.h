#pragma once

#include "protocol/ids.h"

namespace omrsync::app {

/// A new random uuid (version 4), from the operating system's chance.
[[nodiscard]] Uuid random_uuid();

}  // namespace omrsync::app
