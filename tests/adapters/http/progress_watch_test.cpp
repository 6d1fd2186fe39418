#include "adapters/http/progress_watch.h"

#include "tests/support/catch.h"

namespace omrsync::http {
namespace {

using std::chrono::seconds;

constexpr ProgressWatch::Instant kStart{};

ProgressWatch watching(std::uint64_t question_bytes, Patience patience = {}) {
  ProgressWatch watch;
  watch.start(patience, question_bytes, kStart);
  return watch;
}

TEST_CASE("a question that trickles slower than the floor is given up") {
  ProgressWatch watch = watching(1'000'000);
  CHECK_FALSE(watch.stalled(true, 500, 0, kStart + seconds(30)));
  CHECK_FALSE(watch.stalled(true, 1000, 0, kStart + seconds(60)));
  CHECK(watch.stalled(true, 1023, 0, kStart + seconds(61)));
}

TEST_CASE("a slow line that moves is waited for, however long it takes") {
  ProgressWatch watch = watching(1'000'000);
  for (int minute = 1; minute < 500; ++minute)
    CHECK_FALSE(watch.stalled(true, static_cast<std::uint64_t>(minute) * 1024, 0, kStart + seconds(59) * minute));
}

TEST_CASE("an answer may be held longer than bytes may stall") {
  ProgressWatch watch = watching(10);
  CHECK_FALSE(watch.stalled(true, 10, 0, kStart + seconds(1)));
  CHECK_FALSE(watch.stalled(true, 10, 0, kStart + seconds(91)));
  CHECK(watch.stalled(true, 10, 0, kStart + seconds(92)));
}

TEST_CASE("an answer that stops in the middle is given up after the stall limit") {
  ProgressWatch watch = watching(10);
  CHECK_FALSE(watch.stalled(true, 10, 5000, kStart + seconds(80)));
  CHECK_FALSE(watch.stalled(true, 10, 5000, kStart + seconds(140)));
  CHECK(watch.stalled(true, 10, 5000, kStart + seconds(141)));
}

TEST_CASE("a connection that is still being made is not a stalled one") {
  ProgressWatch watch = watching(1'000'000);
  CHECK_FALSE(watch.stalled(false, 0, 0, kStart + seconds(59)));
  CHECK_FALSE(watch.stalled(false, 0, 0, kStart + seconds(100)));
  CHECK_FALSE(watch.stalled(true, 0, 0, kStart + seconds(160)));
  CHECK(watch.stalled(true, 0, 0, kStart + seconds(161)));
}

TEST_CASE("a total patience ends even what moves") {
  Patience patience;
  patience.total = seconds(100);
  ProgressWatch watch = watching(1'000'000, patience);
  CHECK_FALSE(watch.stalled(true, 50'000, 0, kStart + seconds(50)));
  CHECK(watch.stalled(true, 100'000, 0, kStart + seconds(101)));
}

}  // namespace
}  // namespace omrsync::http
