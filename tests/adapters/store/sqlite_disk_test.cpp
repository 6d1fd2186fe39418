#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;

namespace {

/// Writes transactions of two keys each until one fails; how many were committed, and the failure.
struct Filled {
  int transactions = 0;
  std::optional<Error> failed;
};

Filled fill(ports::Store& store, int at_most) {
  const std::string body(50'000, 'b');
  for (Filled filled; true; ++filled.transactions) {
    if (filled.transactions == at_most) return filled;
    const std::string key = std::to_string(1000 + filled.transactions);
    auto step = [&]() -> Status {
      OMRSYNC_TRY(writing, store.write());
      OMRSYNC_CHECK(writing->put(kBodies, key, body));
      OMRSYNC_CHECK(writing->put(kRows, key, "v"));
      return writing->commit();
    };
    if (Status done = step(); !done.has_value()) {
      filled.failed = done.error();
      return filled;
    }
  }
}

void check_whole(ports::Store& store, int transactions) {
  CHECK(committed(store, kBodies).size() == static_cast<std::size_t>(transactions));
  CHECK(committed(store, kRows).size() == static_cast<std::size_t>(transactions));
}

/// A disk of 4 MB; none where the kernel does not let us have one.
class SmallDisk {
 public:
  SmallDisk() { is_there_ = ::mount("omrsync-test", folder_.path().c_str(), "tmpfs", 0, "size=4m") == 0; }
  ~SmallDisk() {
    if (is_there_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool is_there() const { return is_there_; }
  [[nodiscard]] std::filesystem::path file(const char* name) const { return folder_ / name; }
  void make_read_only() const {
    REQUIRE(::mount("omrsync-test", folder_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m") == 0);
  }

 private:
  TemporaryFolder folder_;
  bool is_there_ = false;
};

}  // namespace

TEST_CASE("a file at its largest refuses whole transactions and goes on when it may grow", "[store][sqlite]") {
  const TemporaryFolder folder;
  int kept = 0;
  {
    const auto store = must(sqlite::open_store(folder / "node.db", kTables, sqlite::Settings{.max_bytes = 1'000'000}));
    const Filled filled = fill(*store, 1000);
    REQUIRE(filled.failed.has_value());
    CHECK(filled.failed->code == Code::disk_full);
    CHECK(filled.failed->remedy == Remedy::retry_later);
    kept = filled.transactions;
    CHECK(kept > 5);
    check_whole(*store, kept);
    const auto writing = must(store->write());  // erasing needs no room
    must(writing->erase(kBodies, "1000", "1002"));
    must(writing->commit());
    put_and_commit(*store, kBodies, {{"1000", "b"}, {"1001", "b"}});
  }
  const auto store = must(sqlite::open_store(folder / "node.db", kTables));
  check_whole(*store, kept);
  put_and_commit(*store, kBodies, {{"9999", std::string(2'000'000, 'b')}});
  CHECK(committed(*store, kBodies).size() == static_cast<std::size_t>(kept) + 1);
}

TEST_CASE("a full disk loses nothing and the same store goes on when there is room", "[store][sqlite]") {
  const SmallDisk disk;
  if (!disk.is_there()) {
    WARN("no right to mount a small disk: not tried");
    return;
  }
  std::ofstream(disk.file("ballast")) << std::string(1'500'000, 'x');
  auto store = must(sqlite::open_store(disk.file("node.db"), kTables));
  const Filled filled = fill(*store, 1000);
  REQUIRE(filled.failed.has_value());
  CHECK(filled.failed->code == Code::disk_full);
  CHECK(filled.failed->remedy == Remedy::retry_later);
  CHECK(filled.transactions > 5);
  check_whole(*store, filled.transactions);

  std::filesystem::remove(disk.file("ballast"));
  put_and_commit(*store, kRows, {{"after", "v"}});
  store.reset();
  store = must(sqlite::open_store(disk.file("node.db"), kTables));
  CHECK(committed(*store, kRows).size() == static_cast<std::size_t>(filled.transactions) + 1);
}

TEST_CASE("a full disk is told as such when a store is made on it", "[store][sqlite]") {
  const SmallDisk disk;
  if (!disk.is_there()) {
    WARN("no right to mount a small disk: not tried");
    return;
  }
  std::ofstream ballast(disk.file("ballast"));
  for (int i = 0; i < 5'000; ++i) ballast << std::string(1'000, 'x') << std::flush;
  const Error failed = must_fail(sqlite::open_store(disk.file("node.db"), kTables));
  CHECK(failed.code == Code::disk_full);
  CHECK(failed.remedy == Remedy::retry_later);
}

TEST_CASE("a read-only disk asks the node to stop", "[store][sqlite]") {
  const SmallDisk disk;
  if (!disk.is_there()) {
    WARN("no right to mount a small disk: not tried");
    return;
  }
  must(sqlite::open_store(disk.file("node.db"), kTables)).reset();
  disk.make_read_only();
  const Error failed = must_fail(sqlite::open_store(disk.file("node.db"), kTables));
  CHECK(failed.code == Code::disk_read_only);
  CHECK(failed.remedy == Remedy::stop_node);
}

TEST_CASE("a file that may not be written asks the node to stop", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  must(sqlite::open_store(file, kTables)).reset();
  REQUIRE(::chmod(file.c_str(), 0400) == 0);
  if (::geteuid() == 0) {  // root may write everything: give the folder to somebody else and become them
    constexpr uid_t kNobody = 65534;
    REQUIRE(::chown(file.c_str(), kNobody, kNobody) == 0);
    REQUIRE(::chown(folder.path().c_str(), kNobody, kNobody) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setuid(kNobody) != 0) ::_exit(1);
      const auto store = sqlite::open_store(file, kTables);
      ::_exit(!store && store.error().code == Code::disk_read_only && store.error().remedy == Remedy::stop_node ? 0
                                                                                                                : 2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  } else {
    const Error failed = must_fail(sqlite::open_store(file, kTables));
    CHECK(failed.code == Code::disk_read_only);
    CHECK(failed.remedy == Remedy::stop_node);
  }
}

TEST_CASE("a folder that does not exist is told as such", "[store][sqlite]") {
  const TemporaryFolder folder;
  CHECK(must_fail(sqlite::open_store(folder / "nowhere" / "node.db", kTables)).code == Code::file_unreadable);
  CHECK(must_fail(sqlite::open_store(folder.path(), kTables)).code == Code::file_unreadable);
}
