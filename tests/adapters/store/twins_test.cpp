#include <set>

#include "adapters/memory/clock.h"
#include "adapters/memory/entropy.h"
#include "adapters/memory/log.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace std::chrono_literals;

TEST_CASE("steady time does not notice when somebody sets the clock", "[memory]") {
  memory::ManualClock clock(1'000'000ms);
  clock.advance(5s);
  clock.jump_utc(-60s);
  CHECK(clock.steady() == 5s);
  CHECK(clock.utc() == 945'000ms);
  clock.set_utc(7ms);
  CHECK(clock.utc() == 7ms);
  CHECK(clock.steady() == 5s);
}

TEST_CASE("chance repeats with its seed and differs with another", "[memory]") {
  memory::SeededEntropy one(1);
  memory::SeededEntropy same(1);
  memory::SeededEntropy other(2);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t number = one.next();
    CHECK(number == same.next());
    CHECK(number != other.next());
    seen.insert(number);
  }
  CHECK(seen.size() == 100);
}

TEST_CASE("a line has ids, counts, durations and codes, and withholds other text", "[log]") {
  memory::RecordingLog log;
  log.info("capture.started",
           {{"source", "binlog"}, {"rows", 12}, {"bytes", std::size_t{7}}, {"took", 250ms}, {"code", Code::disk_full}});
  log.warning("row.odd", {{"name", "Achieng Otieno"}, {"empty", ""}, {"id", std::string("0-1-4711")}});
  log.failure(ports::Level::error, "store.failed", Error{Remedy::stop_node, Code::disk_full, "no \"room\"\nat all"},
              {{"table", "marks"}});
  const auto lines = log.lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].text == "capture.started source=binlog rows=12 bytes=7 took=250ms code=SYNC-1401");
  CHECK(lines[1].text == "row.odd name=(withheld) empty=(withheld) id=0-1-4711");
  CHECK(lines[1].level == ports::Level::warning);
  CHECK(lines[2].text == "store.failed table=marks code=SYNC-1401 reason=\"no  room  at all\"");
}
