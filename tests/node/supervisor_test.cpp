#include "node/supervisor.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <latch>
#include <thread>

using namespace omrsync::node;

namespace {

/// Wants to be called again in a day, or when the bell rings.
class Sleeper final : public Worker {
 public:
  explicit Sleeper(Doorbell& bell) : bell_(bell) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "sleeper"; }
  Pace step(std::stop_token) override {
    const std::uint64_t seen = bell_.rings();
    if (++steps == 1) first.count_down();
    if (steps >= 2) second.count_down();
    return Pace::until(bell_, seen, std::chrono::hours(24));
  }

  int steps = 0;
  std::latch first{1};
  std::latch second{1};

 private:
  Doorbell& bell_;
};

}  // namespace

TEST_CASE("a worker that waits for a bell is called when it rings, and ends when asked to") {
  Doorbell bell;
  Sleeper sleeper(bell);
  std::atomic<bool> over{false};
  {
    std::jthread supervisor([&](std::stop_token stop) { supervise({&sleeper}, stop, over); });
    sleeper.first.wait();
    bell.ring();
    sleeper.second.wait();
  }
  CHECK(sleeper.steps >= 2);
}

TEST_CASE("a ring during the step counts") {
  Doorbell bell;
  const std::uint64_t seen = bell.rings();
  bell.ring();
  CHECK(bell.wait(seen, std::chrono::hours(24)));
  CHECK_FALSE(bell.wait(bell.rings(), std::chrono::milliseconds(0)));
}
