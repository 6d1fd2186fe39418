// A writer of its own process, killed at any moment.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;

namespace {

constexpr int kKeys = 40;

std::string key_of(std::uint64_t transaction, int key) {
  return std::to_string(1'000'000 + transaction) + "/" + std::to_string(100 + key);
}

/// Transaction n writes kKeys rows and one body; its number goes to `told` once it is committed.
[[noreturn]] void write_until_killed(const std::filesystem::path& file, std::uint64_t first, int told) {
  const auto give_up = [](int code) { ::_exit(code); };
  auto store = sqlite::open_store(file, kTables);
  if (!store) give_up(11);
  for (std::uint64_t n = first;; ++n) {
    auto writing = (*store)->write();
    if (!writing) give_up(12);
    for (int key = 0; key < kKeys; ++key)
      if (!(*writing)->put(kRows, key_of(n, key), std::string(200, 'v'))) give_up(13);
    if (!(*writing)->put(kBodies, std::to_string(1'000'000 + n), std::string(20'000, 'b'))) give_up(14);
    if (!(*writing)->commit()) give_up(15);
    if (::write(told, &n, sizeof n) != sizeof n) give_up(16);
  }
}

/// The highest number that was told before the writer's end.
std::uint64_t read_told(int told, std::uint64_t so_far) {
  std::uint64_t n = 0;
  while (::read(told, &n, sizeof n) == sizeof n) so_far = n;
  return so_far;
}

void wait_for_bytes(int told) {
  struct pollfd waiting {
    told, POLLIN, 0
  };
  REQUIRE(::poll(&waiting, 1, 60'000) == 1);
}

}  // namespace

TEST_CASE("a writer killed in the middle of a transaction leaves the last commit", "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = sqlite::open_store(file, kTables);
    auto writing = (*store)->write();
    (void)(*writing)->put(kRows, "committed", "v").has_value();
    (void)(*writing)->commit().has_value();
    writing = (*store)->write();
    const std::string body(100'000, 'b');  // more than the cache, so that much of it is in the log already
    for (int i = 0; i < 100; ++i) (void)(*writing)->put(kBodies, std::to_string(i), body).has_value();
    (void)(*writing)->erase(kRows, "", "").has_value();
    if (::write(ends[1], "x", 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  ::close(ends[1]);
  wait_for_bytes(ends[0]);
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  ::close(ends[0]);
  CHECK(WIFSIGNALED(status));
  CHECK(std::filesystem::file_size(folder / "node.db-wal") > 1'000'000);

  const auto store = must(sqlite::open_store(file, kTables));
  CHECK(committed(*store, kRows) == Pairs{{"committed", "v"}});
  CHECK(committed(*store, kBodies).empty());
}

TEST_CASE("a writer killed at random moments loses nothing it told of and leaves no half transaction",
          "[store][sqlite]") {
  const TemporaryFolder folder;
  const auto file = folder / "node.db";
  std::uint64_t told = 0;
  for (unsigned round = 0; round < 60; ++round) {
    CAPTURE(round);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(file, told + 1, ends[1]);
    }
    ::close(ends[1]);
    // The kill meets the writer wherever it is by then: beginning, writing, at its commit, in a checkpoint.
    for (unsigned heard = 0; heard <= round % 5; ++heard) REQUIRE(::read(ends[0], &told, sizeof told) == sizeof told);
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    told = read_told(ends[0], told);
    ::close(ends[0]);

    const auto store = must(sqlite::open_store(file, kTables));
    const auto reading = must(store->read());
    const std::size_t bodies = scanned(*reading, kBodies).size();
    CHECK(bodies >= told);
    CHECK(bodies <= told + 1);
    CHECK(scanned(*reading, kRows).size() == bodies * kKeys);
    CHECK(must(reading->get(kRows, key_of(told, kKeys - 1))).has_value());
    told = bodies;
  }
  CHECK(told > 60);
}
