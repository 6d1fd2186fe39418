#include "adapters/system/clock.h"

#include <sys/random.h>

#include <cstdlib>

namespace omrsync::system {

std::chrono::milliseconds Clock::steady() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

std::chrono::milliseconds Clock::utc() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

std::uint64_t Entropy::next() {
  std::uint64_t number = 0;
  if (::getentropy(&number, sizeof number) != 0) std::abort();
  return number;
}

}  // namespace omrsync::system
