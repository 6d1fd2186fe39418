#include "adapters/system/process.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <fstream>

namespace omrsync::system {

void notify_systemd(const std::string& state) { sd_notify(0, state.c_str()); }

std::uint64_t rss_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(statm >> all_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace omrsync::system
