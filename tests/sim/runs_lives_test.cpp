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

namespace {

void put_back_files(Run& run, const std::string& at, const memory::TwinState& backup) {
  run.node(at).openmrs.restore_files(backup);
}

/// Everywhere the newer value is what people see, and the older one stands beside it.
void both_stand(Run& run, const GroupName& group, const std::string& newer, const std::string& older) {
  for (std::size_t place = 0; place < run.size(); ++place) {
    const std::string& at = run.node(place).name();
    INFO(at);
    CHECK(run.screen(at, group) == newer);
    CHECK(run.sides(at, group) == Words{newer, older});
  }
}

}  // namespace

TEST_CASE("R33: Monday's dump over Friday's database takes nothing from anybody", "[runs]") {
  Run run;
  run.write("A", "gender", "F");
  REQUIRE(run.settle());
  const auto monday = run.node("A").openmrs.backup();
  run.write("A", "birthdate", "1991");
  REQUIRE(run.staff("A").write({"obs", "new"}, {{"row", Run::value("new", {{"person_id", "patient"}})}}));
  REQUIRE(run.settle());
  run.node("A").openmrs.restore_dump(monday);
  REQUIRE(run.settle());
  CHECK(run.audited("A", "new life") == 1);
  both_stand(run, "birthdate", "1991", "1990");
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, "gender") == "F");
    CHECK(run.sides(at, "gender").front() == "F");
    CHECK(run.screen(at, {"obs", "new"}, "row") == "new");
    CHECK(run.conflicts(at).size() == 1);
  }
}

TEST_CASE("R33: what was purged since Monday stays purged when Monday's dump brings it back", "[runs]") {
  Run run;
  insert_obs(run, "A", 2);
  REQUIRE(run.settle());
  const auto monday = run.node("A").openmrs.backup();
  purge_obs(run, "A", 1);
  REQUIRE(run.settle());
  run.node("A").openmrs.restore_dump(monday);
  REQUIRE(run.settle());
  for (const char* at : {"P", "A", "B"}) CHECK(obs_at(run, at) == 1);
}

TEST_CASE("R33: a write after the dump came back is a write like any other", "[runs]") {
  Run run;
  const auto monday = run.node("A").openmrs.backup();
  run.write("A", "birthdate", "1991");
  REQUIRE(run.settle());
  run.node("A").openmrs.restore_dump(monday);
  run.pass(std::chrono::milliseconds(100));
  run.write("A", "gender", "X");
  REQUIRE(run.settle());
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.sides(at, "gender").size() <= 2);
    const auto sides = run.sides(at, "gender");
    CHECK(std::find(sides.begin(), sides.end(), "X") != sides.end());
  }
}

TEST_CASE("R34: what a district acknowledged comes back to it from below when its database goes back", "[runs]") {
  Run run(with_district());
  const auto monday = run.node("D").openmrs.backup();
  run.network().cut(run.node("D").id(), true);  // the country has not heard of it
  run.write("K", "gender", "F");
  REQUIRE(run.staff("K").write({"obs", "k"}, {{"row", Run::value("k", {{"person_id", "patient"}})}}));
  for (int i = 0; i < 4; ++i) {
    run.up("K");
    run.drive("K", "pull", 8);  // K hears that D has it, and forgets it
  }
  REQUIRE(run.screen("D", "gender") == "F");
  put_back_files(run, "D", monday);
  REQUIRE(run.settle());
  both_stand(run, "gender", run.screen("P", "gender"), run.screen("P", "gender") == "F" ? "M" : "F");
  for (std::size_t place = 0; place < run.size(); ++place)
    CHECK(run.screen(run.node(place).name(), {"obs", "k"}, "row") == "k");
}

TEST_CASE("R35: what only frozen batches hold survives a database that goes back", "[runs]") {
  Run run;
  const auto monday = run.node("A").openmrs.backup();
  run.network().cut(run.node("A").id(), true);
  run.write("A", "gender", "F");
  run.drive("A", "capture");
  run.drive("A", "push", 8);
  run.node("A").openmrs.restore_dump(monday);
  REQUIRE(run.settle());
  for (const char* at : {"P", "A", "B"}) {
    const auto sides = run.sides(at, "gender");
    CHECK(std::find(sides.begin(), sides.end(), "F") != sides.end());
  }
}

TEST_CASE("R37: a store that went back meets sets in the log that it does not know: nothing is lost, nothing waits",
          "[runs]") {
  Run run;
  auto monday = run.node("A").copy_disk();
  run.write("B", "gender", "F");
  REQUIRE(run.settle());
  run.write("A", "birthdate", "1991");
  REQUIRE(run.settle());
  run.node("A").stop();
  run.node("A").replace_disk(std::move(monday));
  run.restart(1);
  REQUIRE(run.settle());
  CHECK(run.audited("A", "new life") == 1);
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, "gender") == "F");
    CHECK(run.screen(at, "birthdate") == "1991");
    CHECK(run.sides(at, "birthdate").front() == "1991");
  }
}

TEST_CASE("R37: the store of a parent went back: its children say so, and offer it everything again", "[runs]") {
  Run run;
  const auto database = run.node("P").openmrs.backup();
  auto monday = run.node("P").copy_disk();
  run.write("A", "gender", "F");
  REQUIRE(run.staff("B").write({"obs", "b"}, {{"row", Run::value("b", {{"person_id", "patient"}})}}));
  REQUIRE(run.settle());
  run.node("P").stop();
  run.node("P").replace_disk(std::move(monday));  // the whole machine, as it was
  put_back_files(run, "P", database);
  run.restart(0);
  REQUIRE(run.settle());
  CHECK(run.audited("P", "new life") == 1);
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.screen(at, "gender") == "F");
    CHECK(run.screen(at, {"obs", "b"}, "row") == "b");
  }
}

TEST_CASE("R38: a clone and its original, both numbered alike: what both wrote is kept", "[runs]") {
  Run run;
  const auto database = run.node("A").openmrs.backup();
  auto disk = run.node("A").copy_disk();
  run.write("A", "gender", "F");
  run.write("A", "birthdate", "1991");
  REQUIRE(run.settle());
  run.node("A").stop();
  run.node("A").replace_disk(std::move(disk));  // from here on it is the clone that speaks
  put_back_files(run, "A", database);
  run.restart(1);
  run.network().cut(run.node("A").id(), true);
  run.write("A", "gender", "X");
  run.write("A", "birthdate", "1992");
  run.drive("A", "capture");
  REQUIRE(run.settle());
  for (const char* at : {"P", "A", "B"}) {
    INFO(at);
    auto gender = run.sides(at, "gender"), birthdate = run.sides(at, "birthdate");
    CHECK(gender.front() == "F");
    CHECK(std::find(gender.begin(), gender.end(), "X") != gender.end());
    CHECK(birthdate.front() == "1991");
    CHECK(std::find(birthdate.begin(), birthdate.end(), "1992") != birthdate.end());
  }
}

TEST_CASE("R39: files put back while the node reads: commits that reuse places of the log are not skipped", "[runs]") {
  Run run;
  const auto monday = run.node("A").openmrs.backup();
  run.write("A", "gender", "F");
  REQUIRE(run.settle());
  put_back_files(run, "A", monday);
  run.write("A", "birthdate", "1991");  // at the place where the log had another commit
  REQUIRE(run.settle());
  for (const char* at : {"P", "A", "B"}) {
    const auto sides = run.sides(at, "birthdate");
    CHECK(std::find(sides.begin(), sides.end(), "1991") != sides.end());
    CHECK(run.screen(at, "gender") == "F");
  }
}
