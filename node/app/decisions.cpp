#include "node/app/decisions.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "node/app/daemon.h"

namespace omrsync::app {

std::string operator_name() {
  if (const char* real = std::getenv("SUDO_USER"); real != nullptr && *real != '\0') return real;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return std::to_string(::geteuid());
}

Result<admin::Conflict> await_decision(const Config& config, ports::Store& store, const std::string& id, bool undo,
                                       std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kLook{50};
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_TRY(conflict, admin::show_conflict(*tx, id));
    const bool done = undo ? conflict.record.undone : !conflict.record.open;
    if (!conflict.waits && !done)
      return Error{Remedy::stop_node, Code::decision_dropped,
                   "The decision about " + id + " was not written; the node's log says why."};
    if (!conflict.waits || !daemon_pid(config) || std::chrono::steady_clock::now() >= until) return conflict;
    tx.reset();
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace omrsync::app
