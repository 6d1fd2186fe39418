#include "node/app/units.h"

#include "tests/support/catch.h"

namespace omrsync::app {
namespace {

constexpr unsigned at(unsigned day, unsigned hour, unsigned minute = 0) {
  return day * kMinutesOfDay + hour * 60 + minute;
}
constexpr unsigned kMon = 0, kFri = 4, kSat = 5, kSun = 6;

}  // namespace

TEST_CASE("a duration needs a unit") {
  CHECK(parse_duration("250ms").value().count() == 250);
  CHECK(parse_duration("15min").value() == std::chrono::minutes(15));
  CHECK(parse_duration("2 h").value() == std::chrono::hours(2));
  CHECK(parse_duration("7d").value() == std::chrono::hours(168));
  for (const char* bad :
       {"", "15", "min", "1.5h", "-1min", "15 minutes", "99999999999999999999s", "9999999999999999d"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("sizes tell thousands from 1024s") {
  CHECK(*parse_size("500MB") == 500'000'000);
  CHECK(*parse_size("16MiB") == 16U << 20U);
  CHECK_FALSE(parse_size("16"));
  CHECK_FALSE(parse_size("16mib"));
}

TEST_CASE("a window over midnight holds on both sides of it") {
  const auto window = parse_window("Mon-Fri 18:00-06:00");

  REQUIRE(window);
  CHECK(window->open_at(at(kMon, 18)));
  CHECK(window->open_at(at(kMon + 1, 5, 59)));
  CHECK_FALSE(window->open_at(at(kMon, 5, 59)));
  CHECK_FALSE(window->open_at(at(kMon + 1, 6)));
  CHECK(window->open_at(at(kSat, 3)));
  CHECK_FALSE(window->open_at(at(kSat, 18)));
}

TEST_CASE("a window over the end of the week wraps to Monday") {
  const auto window = parse_window("Sun 22:00-04:00");

  REQUIRE(window);
  CHECK(window->open_at(at(kSun, 23)));
  CHECK(window->open_at(at(kMon, 3, 59)));
  CHECK_FALSE(window->open_at(at(kMon, 4)));
}

TEST_CASE("always is always, and nonsense is no window") {
  CHECK(parse_window("always")->open_at(0));
  for (const char* bad : {"", "18:00", "18:00-18:00", "25:00-26:00", "24:00-06:00", "Mo 18:00-19:00", "18-19",
                          "Mon-Fri", "18:00-19:00,", "never"}) {
    INFO(bad);
    CHECK_FALSE(parse_window(bad));
  }
}

TEST_CASE("a timetable of rates gives the first entry that holds") {
  const auto plan = parse_rate_plan("Sat-Sun 00:00-24:00 64KiB/s, 08:00-17:00 16KiB/s, off");

  REQUIRE(plan);
  CHECK(plan->bytes_per_second_at(at(kSat, 9)) == 64U << 10U);
  CHECK(plan->bytes_per_second_at(at(kFri, 9)) == 16U << 10U);
  CHECK(plan->bytes_per_second_at(at(kFri, 17)) == 0);
}

TEST_CASE("a rate is off or has a unit") {
  CHECK(parse_rate_plan("off")->bytes_per_second_at(0) == 0);
  CHECK(parse_rate_plan("64KiB/s")->bytes_per_second_at(0) == 64U << 10U);
  for (const char* bad : {"", "64", "64KiB", "0KiB/s", "64/s", "off, 64KiB/s", "08:00-17:00"}) {
    INFO(bad);
    CHECK_FALSE(parse_rate_plan(bad));
  }
}

}  // namespace omrsync::app
