#pragma once

#include <atomic>
#include <stop_token>
#include <vector>

#include "node/worker.h"

namespace omrsync::node {

/// Gives each worker a thread of its own until `stop` is requested or `over` becomes true, then joins them all. The
/// first exception that leaves a worker stops the others and is thrown on.
void supervise(const std::vector<Worker*>& workers, std::stop_token stop, const std::atomic<bool>& over);

}  // namespace omrsync::node
