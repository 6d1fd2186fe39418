// Runs R20 to R25: the clinician beside apply.
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

namespace {

/// A's value stands at B, put there by the node a moment ago.
struct JustApplied : Run {
  JustApplied() {
    form = *staff("B").open(patient);
    write("A", "birthdate", "1985");
    up("A");
    down("B");
    REQUIRE(screen("B", "birthdate") == "1985");
  }
  memory::Form form;  ///< opened before that
};

}  // namespace

TEST_CASE("R20: apply never waits for a clinician's lock, and nothing is lost by it", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.up("A");
  REQUIRE(run.staff("B").begin_slowly(run.patient, {{"birthdate", Run::value("1985")}}));
  run.down("B");
  CHECK(run.screen("B", "gender") == "M");
  run.staff("B").finish_slowly();
  run.all_is_well();
  CHECK(run.screen("B", "gender") == "U");
  CHECK(run.screen("P", "birthdate") == "1985");
}

TEST_CASE("R21: a stale form's other columns do not revert what was applied", "[runs]") {
  JustApplied run;
  REQUIRE(run.staff("B").save(run.form, {{"gender", Run::value("F")}}));
  CHECK(run.screen("B", "birthdate") == "1990");
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, "birthdate") == "1985");
    CHECK(run.screen(at, "gender") == "F");
  }
  CHECK(run.audited("B", "merged (stale write-back)") == 1);
}

TEST_CASE("R22: nor does one that is older than a colleague's write", "[runs]") {
  Run run;
  const auto oldest = *run.staff("B").open(run.patient);
  run.write("B", "birthdate", "v1");
  run.all_is_well();
  run.pass(Run::kLater);
  run.write("A", "birthdate", "v2");
  run.up("A");
  run.down("B");
  REQUIRE(run.staff("B").save(oldest, {{"gender", Run::value("F")}}));
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) CHECK(run.screen(at, "birthdate") == "v2");
}

TEST_CASE("R23: an hour later a write over ours from a stale cache is listed", "[runs]") {
  JustApplied run;
  run.pass(std::chrono::hours(1));
  REQUIRE(run.staff("B").save(run.form, {{"birthdate", Run::value("1970")}}));
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "birthdate") == Words{"1970"});
  CHECK(run.audited("B", "perhaps unseen") == 1);
}

TEST_CASE("R23: within the window it stands beside ours", "[runs]") {
  JustApplied run;
  REQUIRE(run.staff("B").save(run.form, {{"birthdate", Run::value("1970")}}));
  CHECK(run.screen("B", "birthdate") == "1970");
  run.all_is_well();
  CHECK(run.sides("P", "birthdate").size() == 2);
  CHECK(run.conflicts("P").size() == 1);
}

TEST_CASE("R24: what a site's trigger or a narrow column makes of our writes does not go round for ever", "[runs]") {
  Run run;
  SECTION("a trigger writes another group") {
    run.node("B").openmrs.trigger = [&](const RootKey& root) {
      return std::vector<ports::RootWrite>{{root, {{"birthdate", Run::value("by trigger")}}, false}};
    };
  }
  SECTION("a column is clipped") {
    run.node("B").openmrs.clip = [](const RootKey&, const GroupName& group, GroupValue full) {
      return group == "gender" ? Run::value("clip") : full;
    };
  }
  SECTION("a cascade that no log shows") {
    run.node("B").openmrs.write_unlogged({run.patient, {{"birthdate", Run::value("silent")}}, false});
  }
  run.write("A", "gender", "U");
  CHECK(run.settle());
}

TEST_CASE("R25: a crash at any durable step of apply leaves one outcome, one audit record, one ledger", "[runs]") {
  const auto step = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  const auto when = GENERATE(Power::Cut::before, Power::Cut::after);
  const std::string victim = GENERATE("A", "B", "P");
  Run run;
  run.write("A", "gender", "U");
  run.write("B", "birthdate", "1985");
  for (std::size_t place = 0; place < run.size(); ++place)
    if (run.node(place).name() == victim) run.node(place).power.cut_at(step, when);
  run.run(300);
  INFO("the power of " << victim << " is cut at effect " << step);
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, "gender") == "U");
    CHECK(run.screen(at, "birthdate") == "1985");
  }
}
