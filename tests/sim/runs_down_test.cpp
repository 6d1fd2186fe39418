// Runs R26 to R29: down, `shown`, purge.
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

TEST_CASE("R26: a sender that gave one group still gets another's group that compaction merged into its row",
          "[runs]") {
  Run run;
  run.write("B", "gender", "F");
  run.up("B");
  run.write("A", "birthdate", "1985");
  run.up("A");
  run.down("A");
  CHECK(run.screen("A", "gender") == "F");
  run.all_is_well();
}

TEST_CASE("R27: a child that shows the other side learns which one stands above", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.write("B", "gender", "F");
  SECTION("A first") {
    run.up("A");
    run.up("B");
    run.all_is_well();
    for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "gender") == Words{"U", "F"});
  }
  SECTION("B first") {
    run.up("B");
    run.up("A");
    run.all_is_well();
    for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "gender") == Words{"F", "U"});
  }
}

TEST_CASE("R28: a set from above that was held does not turn back what is shown", "[runs]") {
  Run run;
  const RootKey first{"encounter", "e1"};
  run.write("A", "gender", "U");
  run.write("P", "gender", "X");
  REQUIRE(run.staff("P").write(first, {{"row", Run::value("e", {{"patient_id", "patient"}})}}));
  run.up("A");
  run.drive("B", "pull", 8);  // {X*, U}, not applied yet
  run.pass(Run::kLater);
  run.write("P", "gender", "Y");  // Y takes X's place
  run.drive("P", "capture");
  run.drive("B", "pull", 8);
  run.take("B");
  CHECK(run.screen("B", "gender") == "Y");
  run.all_is_well();
}

TEST_CASE("R29: an edit that meets a tombstone brings nobody back", "[runs]") {
  Run run;
  const RootKey obs{"obs", "o"};
  REQUIRE(run.staff("P").write(obs, {{"row", Run::value("o", {{"person_id", "patient"}})}}));
  REQUIRE(run.settle());
  run.pass(Run::kLater);
  REQUIRE(run.staff("P").purge(obs));
  REQUIRE(run.staff("B").write(obs, {{"row", Run::value("edited", {{"person_id", "patient"}})},
                                     {"life", Run::value("alive", {{"voided", "0"}})}}));
  SECTION("the purge first") {
    run.drive("P", "capture");
    run.up("B");
  }
  SECTION("the edit first") {
    run.drive("B", "capture");
    run.drive("B", "push", 8);
    run.drive("P", "apply");
  }
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.node(at).openmrs.find(obs) == nullptr);
    CHECK(run.sides(at, obs, "life").front() == "gone");
    CHECK(run.sides(at, obs, "row") == Words{"edited"});
  }
}
