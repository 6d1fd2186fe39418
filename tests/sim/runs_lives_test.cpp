// Runs R33 to R40: lives of databases and logs, as far as the engine knows them.
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

namespace {

/// The log is gone before the node read it: off, written, purged, on.
template <typename Writes>
void behind_a_gap(Run& run, const Writes& writes) {
  run.node("A").stop();
  writes();
  run.node("A").openmrs.purge_log();
  run.restart(1);
}

std::size_t obs_at(Run& run, const std::string& at) {
  std::size_t count = 0;
  for (const auto& [root, row] : *run.node(at).openmrs.rows()) count += root.table == "obs";
  return count;
}

void insert_obs(Run& run, const std::string& at, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string key = "o" + std::to_string(i);
    REQUIRE(run.staff(at).write({"obs", key}, {{"row", Run::value(key, {{"person_id", "patient"}})}}));
  }
}

void purge_obs(Run& run, const std::string& at, int count) {
  for (int i = 0; i < count; ++i) REQUIRE(run.staff(at).purge({"obs", "o" + std::to_string(i)}));
}

}  // namespace

TEST_CASE("R40: edits, inserts and a few deletes behind a purged log are found by comparing", "[runs]") {
  Run run;
  run.node("A").openmrs.tells_purge_late = GENERATE(false, true);
  insert_obs(run, "A", 10);
  REQUIRE(run.settle());
  behind_a_gap(run, [&] {
    run.write("A", "gender", "F");
    REQUIRE(run.staff("A").write({"obs", "new"}, {{"row", Run::value("new", {{"person_id", "patient"}})}}));
    purge_obs(run, "A", 5);
  });
  run.all_is_well();
  CHECK(run.screen("B", "gender") == "F");
  CHECK(obs_at(run, "B") == 6);
}

TEST_CASE("R40: many rows absent behind a purged log are asked about first, and nothing else waits", "[runs]") {
  Run run;
  insert_obs(run, "A", 70);
  REQUIRE(run.settle());
  behind_a_gap(run, [&] {
    purge_obs(run, "A", 60);
    run.write("A", "gender", "F");
  });
  REQUIRE(run.settle());
  CHECK(run.screen("B", "gender") == "F");
  CHECK(obs_at(run, "B") >= 70 - 50);
  const auto tx = run.node("A").disk().read();
  CHECK((*(*tx)->get(node::tables::kMeta, "ask_deletes/obs")).has_value());
}

TEST_CASE("R40: a set whose marker lies in the purged part of the log has its outcome all the same", "[runs]") {
  Run run;
  run.write("B", "gender", "F");
  run.up("B");
  run.drive("A", "pull", 8);
  run.drive("A", "apply", 2);  // committed; capture has not passed it
  REQUIRE(run.screen("A", "gender") == "F");
  behind_a_gap(run, [] {});
  run.all_is_well();
}

TEST_CASE("R36: what a child once sent whole goes to it again when its link begins a new life", "[runs]") {
  Run run;
  const auto monday = run.node("B").openmrs.backup();
  run.write("B", "gender", "F");
  REQUIRE(run.settle());
  run.node("B").stop();
  run.node("B").openmrs.restore_files(monday);
  run.node("B").forget_everything();
  run.restart(2);
  REQUIRE(run.settle());
  // B loads what it holds; where that is not what the country has, both stay and the parent's is shown.
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, "gender") == "F");
    CHECK(run.sides(at, "gender") == Words{"F", "M"});
  }
}
