#pragma once

#include <functional>

#include "node/app/doctor.h"

namespace omrsync::app {

/// The way to the parent layer by layer: name, TCP, TLS and HTTP, protocol and clock.
void check_parent(const Config& config, const std::function<void(const Check&)>& visit);

}  // namespace omrsync::app
