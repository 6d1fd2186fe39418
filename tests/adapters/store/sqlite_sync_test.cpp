// Stands between SQLite and the kernel's sync calls, in a program of its own.
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;

namespace {

int log_syncs = 0;

int count_and_sync(long call, int descriptor) {
  char name[PATH_MAX] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  if (::readlink(link.c_str(), name, sizeof name - 1) > 0 && std::string_view(name).ends_with("-wal")) ++log_syncs;
  return static_cast<int>(::syscall(call, descriptor));
}

}  // namespace

extern "C" int fsync(int descriptor) { return count_and_sync(SYS_fsync, descriptor); }
extern "C" int fdatasync(int descriptor) { return count_and_sync(SYS_fdatasync, descriptor); }

TEST_CASE("every commit is synced to the disk before it returns, and a rollback is not", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto store = must(sqlite::open_store(folder / "node.db", kTables));
  for (int i = 0; i < 3; ++i) {
    const int before = log_syncs;
    put_and_commit(*store, kRows, {{std::to_string(i), "v"}});
    CHECK(log_syncs > before);
  }
  const int before = log_syncs;
  {
    const auto writing = must(store->write());
    must(writing->put(kRows, "never", "v"));
  }
  CHECK(log_syncs == before);
}
