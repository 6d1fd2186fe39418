#include "adapters/system/process.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "adapters/system/clock.h"
#include "adapters/system/descriptor.h"
#include "adapters/system/log.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace omrsync;
using namespace omrsync::test;

namespace {

/// What is written to stderr while `work` runs.
template <typename Work>
std::string stderr_of(Work work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const int kept = ::dup(2);
  ::dup2(ends[1], 2);
  work();
  ::dup2(kept, 2);
  ::close(kept);
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> part;
  for (ssize_t got; (got = ::read(ends[0], part.data(), part.size())) > 0;)
    out.append(part.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  return out;
}

std::string with_digits_as_0(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
  return text;
}

}  // namespace

TEST_CASE("one event is one line on stderr: time, level, event, fields", "[system]") {
  const std::string out = stderr_of([] {
    system::Log log;
    log.debug("left.out");
    log.info("capture.started", {{"rows", 12}, {"format", "{}%v"}});
    log.warning("disk.low");
    log.error("store.failed", {{"code", Code::disk_full}});
  });
  const std::string time = "0000-00-00T00:00:00.000Z ";
  CHECK(with_digits_as_0(out) == time + "info capture.started rows=00 format={}%v\n" + time + "warning disk.low\n" +
                                     time + "error store.failed code=SYNC-0000\n");
}

TEST_CASE("debug lines come when asked for", "[system]") {
  const std::string out = stderr_of([] { system::Log(ports::Level::debug).debug("here"); });
  CHECK(out.find(" debug here\n") != std::string::npos);
}

TEST_CASE("the service manager is told through its socket", "[system]") {
  const TemporaryFolder folder;
  const std::string path = (folder / "notify").string();
  const system::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.number(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) == 0);

  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  system::notify_systemd("READY=1");
  ::unsetenv("NOTIFY_SOCKET");
  system::notify_systemd("READY=1");  // nobody listens: no failure

  std::array<char, 64> got{};
  CHECK(::recv(socket.number(), got.data(), got.size(), MSG_DONTWAIT) == 7);
  CHECK(std::string(got.data()) == "READY=1");
}

TEST_CASE("memory in use grows with what is touched", "[system]") {
  const std::uint64_t before = system::rss_bytes();
  const std::vector<char> touched(64 * 1024 * 1024, 'x');
  CHECK(before > 0);
  CHECK(system::rss_bytes() > before + touched.size() / 2);
}

TEST_CASE("time goes on and chance does not repeat", "[system]") {
  system::Clock clock;
  const auto first = clock.steady();
  CHECK(clock.steady() >= first);
  CHECK(clock.utc() > std::chrono::milliseconds(1'700'000'000'000));
  system::Entropy entropy;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(entropy.next());
  CHECK(seen.size() == 1000);
}
