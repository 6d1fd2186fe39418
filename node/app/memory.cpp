#include "node/app/memory.h"

#include <malloc.h>

namespace omrsync::app {

void keep_memory_small() {
#ifdef __GLIBC__
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
#endif
}

}  // namespace omrsync::app
