#pragma once

#include <cstdint>
#include <string>

namespace omrsync::system {

/// Tells the service manager ("READY=1", "WATCHDOG=1", "STOPPING=1"); without one nothing happens.
void notify_systemd(const std::string& state);

/// Memory of this process that is in RAM now, in bytes; 0 where the kernel does not tell.
[[nodiscard]] std::uint64_t rss_bytes();

}  // namespace omrsync::system
