#pragma once

namespace omrsync::app {

/// A node is small and stays small: one arena, and what was freed goes back to the system. glibc's own rules keep an
/// arena a thread and never give the peak of a large buffer back. Called once, before there are threads.
void keep_memory_small();

}  // namespace omrsync::app
