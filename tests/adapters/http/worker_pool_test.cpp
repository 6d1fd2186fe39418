#include "adapters/http/worker_pool.h"

#include <atomic>
#include <future>

#include "tests/support/catch.h"

namespace omrsync::http {
namespace {

TEST_CASE("a job that waits does not hold up the others") {
  WorkerPool pool(2, 10);
  std::promise<void> release;
  std::promise<void> ran;
  REQUIRE(pool.submit([held = release.get_future().share()] { held.wait(); }));
  REQUIRE(pool.submit([&ran] { ran.set_value(); }));
  CHECK(ran.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  release.set_value();
}

TEST_CASE("what waits for a thread is bounded") {
  WorkerPool pool(1, 1);
  std::promise<void> release;
  std::promise<void> running;
  REQUIRE(pool.submit([&running, held = release.get_future().share()] {
    running.set_value();
    held.wait();
  }));
  running.get_future().wait();
  CHECK(pool.submit([] {}));
  CHECK_FALSE(pool.submit([] {}));
  release.set_value();
}

TEST_CASE("stopping runs what was taken and takes no more") {
  std::atomic<int> ran{0};
  WorkerPool pool(3, 100);
  for (int i = 0; i < 50; ++i) REQUIRE(pool.submit([&ran] { ++ran; }));
  pool.stop();
  CHECK(ran == 50);
  CHECK_FALSE(pool.submit([&ran] { ++ran; }));
  pool.stop();
  CHECK(ran == 50);
}

}  // namespace
}  // namespace omrsync::http
