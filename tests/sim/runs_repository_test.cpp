// A root that has no OpenMRS, only a repository.
#include "tests/sim/history.h"
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

namespace {

/// A patient with a visit that everybody has.
struct Repository : Run {
  Repository() : Run({{"P", {}, true}, {"A", 0}, {"B", 0}}, false) {
    REQUIRE(staff("A").write(patient, {{"gender", value("M")}}));
    REQUIRE(staff("A").write(kVisit, {{"row", value("e", {{"patient_id", "patient"}})}}));
    REQUIRE(settle());
    pass(kLater);
  }
};

}  // namespace

TEST_CASE("a repository hands on what one clinic wrote, and keeps both values of a conflict", "[runs]") {
  Repository run;
  run.write("A", "gender", "F");
  run.write("B", "gender", "X");
  run.all_is_well();
  CHECK(run.screen("P", "gender") == run.screen("A", "gender"));
  CHECK(run.screen("B", "gender") == run.screen("A", "gender"));
  CHECK(run.sides("P", "gender").size() == 2);
  REQUIRE(run.conflicts("P").size() == 1);
  CHECK(run.conflicts("A") == run.conflicts("P"));
  CHECK(run.conflicts("B") == run.conflicts("P"));
}

TEST_CASE("a repository takes a row whose target is not there", "[runs]") {
  Repository run;
  REQUIRE(run.staff("A").purge(kVisit));
  run.up("A");
  REQUIRE(
      run.staff("B").write(kNote, {{"row", Run::value("note", {{"person_id", "patient"}, {"encounter_id", "e"}})}}));
  run.up("B");
  CHECK(run.inbox("P").empty());
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    CHECK(run.is_voided(at, kVisit));
    CHECK(run.screen(at, kNote, "row") == "note");
  }
}

TEST_CASE("R30: a repository keeps a purged root while others refer to it, and purges it anew when nothing does",
          "[runs]") {
  Repository run;
  run.down("B");
  REQUIRE(
      run.staff("B").write(kNote, {{"row", Run::value("note", {{"person_id", "patient"}, {"encounter_id", "e"}})}}));
  run.up("B");
  REQUIRE(run.staff("A").purge(kVisit));  // the note is not there yet
  run.up("A");
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    CHECK(run.is_voided(at, kVisit));
  }
  REQUIRE(run.dangling("P", kVisit).has_value());
  CHECK(run.dangling("P", kVisit)->referrers == std::vector<RootKey>{kNote});

  run.pass(std::chrono::minutes(2));
  run.all_is_well();
  CHECK(run.is_voided("B", kVisit));
  REQUIRE(run.staff("A").purge(kNote));
  REQUIRE(run.settle());
  run.pass(std::chrono::minutes(2));
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    CHECK(run.screen(at, kVisit, "row") == "gone");
    CHECK(run.screen(at, kNote, "row") == "gone");
  }
  CHECK_FALSE(run.dangling("P", kVisit).has_value());
}

TEST_CASE("random histories below a repository end without violations", "[runs]") {
  HistoryOptions options;
  options.repository = true;
  for (const std::size_t nodes : {3U, 5U, 9U}) {
    options.nodes = nodes;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const auto wrong = play_history(seed, options);
      INFO(nodes << " nodes, seed " << seed << ": " << (wrong.empty() ? "" : wrong.front()));
      CHECK(wrong.empty());
    }
  }
}
