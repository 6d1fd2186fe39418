#include "node/true_time.h"

#include "adapters/memory/clock.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::node;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

namespace {

constexpr std::int64_t kTrue = 1'750'000'000'000;

struct Clinic {
  Clinic() { watch_clock(time, clock); }

  [[nodiscard]] Stamp now() {
    watch_clock(time, clock);
    return stamp_of(time, clock.utc().count(), false);
  }
  void told(std::int64_t at_ms, milliseconds round_trip = milliseconds(600)) {
    take_time(time, clock, {at_ms, 0, true}, round_trip);
  }

  memory::ManualClock clock{milliseconds(kTrue - 90'000)};  // a minute and a half behind
  TrueTime time;
};

}  // namespace

TEST_CASE("the root's clock is the true one, to the second that its log tells") {
  CHECK(stamp_of({}, kTrue, true) == Stamp{kTrue, 1000, true});
  memory::ManualClock clock{milliseconds(kTrue)};
  CHECK(tell_time({}, clock, true).at_ms == kTrue);
}

TEST_CASE("a child's dates are corrected and trusted once its parent told it the time") {
  Clinic clinic;
  CHECK_FALSE(clinic.now().trusted);
  clinic.told(kTrue);
  const Stamp stamp = clinic.now();
  CHECK(stamp.trusted);
  CHECK(stamp.at_ms == kTrue + 300);
  CHECK(stamp.error_ms >= 1300);
  SECTION("its error grows with time") {
    clinic.clock.advance(hours(24));
    CHECK(clinic.now().error_ms >= stamp.error_ms + 8000);
  }
  SECTION("what it tells its own children is no better than what it was told") {
    const ToldTime told = tell_time(clinic.time, clinic.clock, false);
    CHECK(told.at_ms == kTrue + 300);
    CHECK(told.error_ms >= 300);
    CHECK(told.trusted);
  }
  SECTION("not of what happened before its clock was watched") {
    CHECK_FALSE(stamp_of(clinic.time, kTrue - 100'000, false).trusted);
  }
}

TEST_CASE("a clock that was set says nothing until the parent has told the time again") {
  Clinic clinic;
  clinic.told(kTrue);
  clinic.clock.jump_utc(GENERATE(milliseconds(-5000), milliseconds(hours(24 * 365))));
  CHECK_FALSE(clinic.now().trusted);
  clinic.clock.set_utc(milliseconds(kTrue + 1000));
  CHECK_FALSE(clinic.now().trusted);
  clinic.told(kTrue + 1000);
  clinic.clock.advance(minutes(1));
  CHECK(clinic.now().trusted);
}

TEST_CASE("a clock that is far off is corrected and not trusted, nor is one whose teller is not") {
  Clinic clinic;
  clinic.told(kTrue + 600'000);
  CHECK_FALSE(clinic.now().trusted);
  CHECK(clinic.now().at_ms == kTrue + 600'000 + 300);
  take_time(clinic.time, clinic.clock, {kTrue, 0, false}, milliseconds(0));
  CHECK_FALSE(clinic.now().trusted);
}
