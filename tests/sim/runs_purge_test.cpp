// Runs R30 and R31: nothing that is referred to is deleted.
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

namespace {

/// A visit that everybody has, purged at P; B, which does not know that, writes a note on it.
struct Purged : Run {
  Purged() {
    REQUIRE(staff("P").write(kVisit, {{"row", value("e", {{"patient_id", "patient"}})}}));
    REQUIRE(settle());
    pass(kLater);
    REQUIRE(staff("P").purge(kVisit));
    drive("P", "capture");
    REQUIRE(write_note());
    drive("B", "capture");
  }

  bool write_note() {
    return staff("B").write(kNote, {{"row", value("note", {{"person_id", "patient"}, {"encounter_id", "e"}})}});
  }

  void is_there_voided() {
    for (const char* at : {"P", "A", "B"}) {
      INFO(at);
      CHECK(is_voided(at, kVisit));
      CHECK(screen(at, kVisit, "row") == "e");
      CHECK(screen(at, kNote, "row") == "note");
    }
  }
};

}  // namespace

TEST_CASE("R30: a purged root that somebody refers to comes back, voided, and the set that refers to it goes on",
          "[runs]") {
  Purged run;
  SECTION("the set first") {
    run.down("A");
    CHECK(run.screen("A", kVisit, "row") == "gone");
    run.drive("B", "push", 8);
    run.take("P");
    REQUIRE(run.inbox("P").size() == 1);
    CHECK(run.inbox("P")[0].code == static_cast<std::uint32_t>(Code::reference_tombstone));
    CHECK(run.inbox("P")[0].asked);
  }
  SECTION("the tombstone first") {
    run.down("B");
    CHECK(run.is_voided("B", kVisit));
    CHECK(run.screen("P", kVisit, "row") == "gone");
    run.up("B");
  }
  run.all_is_well();
  run.is_there_voided();
  const auto at_b = run.dangling("B", kVisit), at_p = run.dangling("P", kVisit);
  REQUIRE(at_b.has_value());
  REQUIRE(at_p.has_value());
  CHECK(at_b->id == at_p->id);
  CHECK(at_b->referrers == std::vector<RootKey>{kNote});
  run.pass(std::chrono::minutes(2));
  run.all_is_well();
  run.is_there_voided();
  CHECK(run.dangling("P", kVisit)->referrers == std::vector<RootKey>{kNote});
}

TEST_CASE("R30: the parent purges anew when nothing refers to the root any more", "[runs]") {
  Purged run;
  run.all_is_well();
  run.is_there_voided();
  run.pass(Run::kLater);
  REQUIRE(run.staff("B").purge(kNote));
  run.all_is_well();
  run.pass(std::chrono::minutes(2));
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    CHECK(run.screen(at, kVisit, "row") == "gone");
    CHECK_FALSE(run.dangling(at, kVisit).has_value());
  }
}

TEST_CASE("R30: a root that was given its life back by a person is not purged anew", "[runs]") {
  Purged run;
  run.all_is_well();
  run.pass(Run::kLater);
  REQUIRE(run.staff("P").write(kVisit, {{"life", Run::value("wanted", {{"voided", "0"}})}}));
  run.all_is_well();
  REQUIRE(run.staff("B").purge(kNote));
  run.all_is_well();
  run.pass(std::chrono::minutes(2));
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    CHECK(run.screen(at, kVisit, "life") == "wanted");
    CHECK_FALSE(run.dangling(at, kVisit).has_value());
  }
}

TEST_CASE("R30: two who keep the same root without knowledge of each other say the same", "[runs]") {
  Purged run;
  const RootKey other{"obs", "o2"};
  REQUIRE(run.staff("A").write(other, {{"row", Run::value("n2", {{"person_id", "patient"}, {"encounter_id", "e"}})}}));
  run.drive("A", "capture");
  run.down("A");
  run.down("B");
  CHECK(run.is_voided("A", kVisit));
  CHECK(run.is_voided("B", kVisit));
  run.up("A");
  run.up("B");
  run.all_is_well();
  run.is_there_voided();
  for (const char* at : {"P", "A", "B"}) CHECK(run.conflicts(at).size() == (run.dangling(at, kVisit) ? 1U : 0U));
}

TEST_CASE("R31: a user that is deleted at one clinic is retired everywhere, and nobody goes with it", "[runs]") {
  Run run;
  const RootKey boss{"users", "boss"}, nurse{"users", "nurse"};
  for (const RootKey& user : {boss, nurse})
    REQUIRE(run.staff("P").write(user, {{"row", Run::value(user.key, {{"person_id", "patient"}})}}));
  REQUIRE(run.settle());
  run.pass(Run::kLater);
  const RootKey patient{"person", "second"};
  REQUIRE(run.staff("B").write(patient, {{"gender", Run::value("F", {{"creator", "boss"}})}}));
  run.drive("B", "capture");
  // DELETE of the boss at A; the key of `changed_by` takes the nurse along, which no log shows.
  const auto nurses_row = run.node("A").openmrs.find(nurse);
  run.chart().purged(1, nurse, nurses_row->groups);
  run.node("A").openmrs.write_unlogged({nurse, {}, true});
  REQUIRE(run.staff("A").purge(boss));
  run.node("A").openmrs.log_unlogged({"users"});
  run.all_is_well();
  for (const char* at : {"P", "A", "B"})
    for (const RootKey& user : {boss, nurse}) {
      INFO(at << " " << user.key);
      CHECK(run.screen(at, user, "row") == user.key);
      const auto life = run.staff(at).value_of({user, "life"});
      REQUIRE(life.has_value());
      CHECK(find_cell(*life, "voided") == "1");
    }
  for (const char* at : {"P", "A", "B"}) CHECK_FALSE(run.dangling(at, nurse).has_value());
}

TEST_CASE("R30: a held set whose reference was taken back meanwhile waits no longer, and nothing comes back",
          "[runs]") {
  Purged run;
  run.drive("B", "push", 8);
  run.take("P");
  REQUIRE(run.inbox("P").size() == 1);
  REQUIRE(run.staff("B").write(kNote, {{"row", Run::value("moved", {{"person_id", "patient"}})}}));
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, kVisit, "row") == "gone");
    CHECK(run.screen(at, kNote, "row") == "moved");
  }
}

TEST_CASE("R30: below a district too: what only the clinic at the bottom refers to comes back everywhere", "[runs]") {
  Run run(with_district());
  REQUIRE(run.staff("P").write(kVisit, {{"row", Run::value("e", {{"patient_id", "patient"}})}}));
  REQUIRE(run.settle());
  run.pass(Run::kLater);
  REQUIRE(run.staff("P").purge(kVisit));
  REQUIRE(run.staff("K").write(kNote, {{"row", Run::value("n", {{"person_id", "patient"}, {"encounter_id", "e"}})}}));
  run.drive("P", "capture");
  run.down("D");
  run.down("A");
  CHECK(run.screen("D", kVisit, "row") == "gone");
  CHECK(run.screen("A", kVisit, "row") == "gone");
  SECTION("the set first") { run.up("K"); }
  SECTION("the tombstone first") { run.down("K"); }
  run.all_is_well();
  for (const char* at : {"P", "D", "B", "A", "K"}) {
    INFO(at);
    CHECK(run.screen(at, kVisit, "row") == "e");
    CHECK(run.screen(at, kNote, "row") == "n");
  }
  REQUIRE(run.dangling("P", kVisit).has_value());
  REQUIRE(run.staff("A").purge(kNote));
  run.all_is_well();
  run.pass(std::chrono::minutes(2));
  run.all_is_well();
  for (const char* at : {"P", "D", "B", "A", "K"}) CHECK(run.screen(at, kVisit, "row") == "gone");
}

TEST_CASE("R30: what the root at the top refers to comes back at the clinic that purged it", "[runs]") {
  Run run;
  REQUIRE(run.staff("A").write(kVisit, {{"row", Run::value("e", {{"patient_id", "patient"}})}}));
  REQUIRE(run.settle());
  run.pass(Run::kLater);
  REQUIRE(run.staff("A").purge(kVisit));
  REQUIRE(run.staff("P").write(kNote, {{"row", Run::value("n", {{"person_id", "patient"}, {"encounter_id", "e"}})}}));
  run.drive("P", "capture");
  SECTION("the purge first") { run.up("A"); }
  SECTION("the note first") {
    run.drive("A", "capture");
    run.down("A");
    CHECK(run.inbox("A").size() == 1);
  }
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    CHECK(run.screen(at, kVisit, "row") == "e");
    CHECK(run.screen(at, kNote, "row") == "n");
  }
  const auto listed = run.dangling("P", kVisit);
  REQUIRE(listed.has_value());
  CHECK(listed->referrers == std::vector<RootKey>{kNote});
}
