#include "node/app/memory.h"

#include <malloc.h>

namespace omrsync::app {

void keep_memory_small() {
#ifdef __GLIBC__
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 512 * 1024);
#endif
}

}  // namespace omrsync::app
