#pragma once

#include <chrono>
#include <string>

#include "protocol/result.h"

namespace omrsync::system {

/// Minutes since Monday 00:00 in that time zone ("Africa/Nairobi"). `config_invalid` when the machine does not know it.
[[nodiscard]] Result<unsigned> minute_of_week(const std::string& zone, std::chrono::milliseconds utc);

}  // namespace omrsync::system
