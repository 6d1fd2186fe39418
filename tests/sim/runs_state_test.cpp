// Runs R1 to R9: state and join.
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

TEST_CASE("R1: a set that is held brings its group although a later set of the root came first", "[runs]") {
  Run run;
  const RootKey location{"location", "late"};
  // The encounter waits for a location that only a later set brings; its other group is written again meanwhile.
  REQUIRE(run.staff("A").write(location, {{"name", Run::value("late", {{"name", "late"}})}}));
  run.network().cut(run.node("A").id(), true);
  const RootKey encounter{"encounter", "e"};
  REQUIRE(run.staff("A").write(encounter,
                               {{"row", Run::value("e1", {{"patient_id", "patient"}, {"location_id", "late"}})}}));
  run.drive("A", "capture");
  REQUIRE(run.staff("A").write(encounter, {{"life", Run::value("e2", {{"voided", "0"}})}}));
  run.drive("A", "capture");
  run.all_is_well();
  CHECK(run.sides("B", encounter, "row") == Words{"e1"});
  CHECK(run.sides("B", encounter, "life") == Words{"e2"});
}

TEST_CASE("R2: a write that is captured but not sent does not claim to have seen what was joined later", "[runs]") {
  Run run;
  run.write("B", "gender", "F");
  run.drive("B", "capture");
  run.write("A", "gender", "U");
  run.up("A");
  run.down("B");  // A's value is joined at B before B's batch is built
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "gender") == Words{"U", "F"});
}

TEST_CASE("R3: what apply writes over an unsent write is never sent under that write's dot", "[runs]") {
  Run run;
  run.write("B", "gender", "F");
  run.write("A", "gender", "U");
  run.up("A");
  SECTION("captured before apply") { run.drive("B", "capture"); }
  SECTION("met by apply only") {}
  run.down("B");
  CHECK(run.screen("B", "gender") == "U");
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "gender") == Words{"U", "F"});
  CHECK(run.conflicts("P").size() == 1);
  CHECK(run.conflicts("P") == run.conflicts("A"));
  CHECK(run.conflicts("P") == run.conflicts("B"));
}

TEST_CASE("R4: a node that wrote over an acknowledged value still has it for its parent", "[runs]") {
  Run run(with_district());
  run.network().cut(run.node("D").id(), true);
  run.write("K", "gender", "F");
  run.up("K");
  run.drive("K", "push", 8);
  run.network().cut(run.node("K").id(), true);
  run.network().cut(run.node("D").id(), false);
  run.write("P", "gender", "U");
  run.drive("P", "capture");
  run.down("D");
  CHECK(run.screen("D", "gender") == "U");
  CHECK(run.sides("D", "gender") == Words{"U", "F"});
  run.up("D");
  CHECK(run.sides("P", "gender") == Words{"U", "F"});
  run.all_is_well();
}

TEST_CASE("R5: a value written and taken back behind capture's back keeps its value under its dot", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.up("A");
  bool acted = false;
  run.node("B").openmrs.before_call = [&](memory::TwinCall call) {
    if (call != memory::TwinCall::lock_read || acted) return;
    acted = true;
    run.write("B", "gender", "F");
    run.write("B", "gender", "M");
  };
  run.down("B");
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "gender") == Words{"U", "M"});
}

TEST_CASE("R6: a decision is numbered at its place in the log, not before a clinician's write", "[runs]") {
  Run run;
  const RootKey location{"location", "ward"};
  REQUIRE(run.staff("P").write(location, {{"name", Run::value("ward", {{"name", "ward"}})}}));
  REQUIRE(run.settle());
  run.pass(Run::kLater);
  const auto rename = [&](const std::string& at, const std::string& word) {
    REQUIRE(run.staff(at).write(location, {{"name", Run::value(word, {{"name", word}})}}));
  };
  rename("A", "east");
  rename("B", "west");
  run.up("A");
  run.drive("B", "capture");
  run.drive("B", "push", 8);
  memory::TwinCall when = memory::TwinCall::commit;
  SECTION("before the commit") { when = memory::TwinCall::commit; }
  SECTION("before the locks") { when = memory::TwinCall::lock_read; }
  SECTION("before capture reads on") { when = memory::TwinCall::next; }
  bool acted = false;
  run.node("P").openmrs.before_call = [&](memory::TwinCall call) {
    if (call != when || acted) return;
    acted = run.staff("P").write(location, {{"life", Run::value("closed", {{"retired", "1"}})}});
  };
  run.take("P");
  run.all_is_well();
  CHECK(run.sides("P", location, "name") == Words{"east"});
}

TEST_CASE("R7: a change that no log showed gets a dot of its own before the captured one", "[runs]") {
  Run run;
  run.node("B").openmrs.write_unlogged({run.patient, {{"gender", Run::value("silent")}}, false});
  run.chart().wrote(2, {run.patient, "gender"}, Run::value("silent"), {Run::value("M")});
  run.write("A", "gender", "U");
  run.up("A");
  SECTION("the captured one follows at once") { run.write("B", "gender", "F"); }
  SECTION("apply meets it") {}
  run.down("B");
  run.all_is_well();
  CHECK(run.screen("B", "gender") == "U");
}

TEST_CASE("R7: what a write finds there that no log showed is not taken for the value of ours", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.up("A");
  run.down("B");
  run.node("B").openmrs.write_unlogged({run.patient, {{"gender", Run::value("silent")}}, false});
  run.chart().wrote(2, {run.patient, "gender"}, Run::value("silent"), {Run::value("U")});
  run.write("B", "gender", "F");  // soon after ours: it stands beside what stood there
  run.all_is_well();
}

TEST_CASE("R8: a person edited in one clinic while another registers it as a patient is one root", "[runs]") {
  Run run;
  run.write("B", "gender", "F");
  REQUIRE(run.staff("A").write(run.patient, {{"patient", Run::value("registered")}}));
  run.all_is_well();
  CHECK(run.conflicts("P").empty());
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.sides(at, "gender") == Words{"F"});
    CHECK(run.sides(at, "patient") == Words{"registered"});
  }
}

TEST_CASE("R9: a clinician who writes the value of the hidden side ends the conflict", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.up("A");
  run.write("B", "gender", "F");
  run.all_is_well();
  REQUIRE(run.conflicts("P").size() == 1);
  run.pass(Run::kLater);
  run.write("A", "gender", "F");
  REQUIRE(run.settle());
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.sides(at, "gender") == Words{"F"});
    CHECK(run.conflicts(at).empty());
  }
}
