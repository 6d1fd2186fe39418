// Runs R10 to R19: loading and sending.
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

namespace {

/// A country whose databases hold something before the nodes come.
struct Before : Country {
  Before() : Country(two_clinics(), 1) {}
  void open() {
    start_all();
    for (std::size_t place = 0; place < size(); ++place) drive(node(place).name(), "capture");
  }
  std::uint64_t log_end() {
    const auto tx = node("P").disk().read();
    const auto bytes = (*tx)->get(node::tables::kMeta, "log_end");
    return *bytes ? node::tables::number_from(**bytes) : 0;
  }
};

const RootKey kWard{"location", "ward"};
const RootKey kPatient{"person", "patient"};

GroupValue named(const std::string& word) { return Run::value(word, {{"name", word}}); }

}  // namespace

TEST_CASE("R10: equal dictionary rows of many loaders are one and cost nothing", "[runs]") {
  Before country;
  for (const char* at : {"P", "A", "B"}) country.staff(at).have(kWard, {{"name", named("ward")}});
  country.open();
  REQUIRE(country.settle());
  CHECK(verdict(country) == "");
  CHECK(country.log_end() == 0);
  const auto state = country.node("B").state(kWard);
  CHECK(state->context.highest.empty());
  CHECK(state->context.load_dots.size() == state->groups.size());
}

TEST_CASE("R11: an edit right after the load is no conflict with the parent's equal copy", "[runs]") {
  Before country;
  for (const char* at : {"P", "B"})
    country.staff(at).have(kPatient, {{"gender", Run::value("M")}, {"birthdate", Run::value("1990")}});
  country.open();
  REQUIRE(country.staff("B").write(kPatient, {{"gender", Run::value("F")}}));
  REQUIRE(country.settle());
  CHECK(verdict(country) == "");
  CHECK(country.node("P").state(kPatient)->groups.at("gender").siblings.size() == 1);
}

TEST_CASE("R12: of unequal dictionary rows the parent's stands, of unequal patients both", "[runs]") {
  Before country;
  country.staff("P").have(kWard, {{"name", named("ward")}});
  country.staff("B").have(kWard, {{"name", named("station")}});
  country.staff("P").have(kPatient, {{"gender", Run::value("M")}});
  country.staff("B").have(kPatient, {{"gender", Run::value("F")}});
  country.open();
  REQUIRE(country.settle());
  CHECK(verdict(country) == "");
  for (const char* at : {"P", "A", "B"}) {
    CHECK(country.staff(at).value_of({kWard, "name"}) == named("ward"));
    CHECK(country.staff(at).value_of({kPatient, "gender"}) == Run::value("M"));
    CHECK(country.node(at).state(kPatient)->groups.at("gender").siblings.size() == 2);
  }
}

TEST_CASE("R13: a row that changes, or is met, before the load reaches it is neither doubled nor lost", "[runs]") {
  Before country;
  country.staff("B").have(kPatient, {{"gender", Run::value("M")}, {"birthdate", Run::value("1990")}});
  SECTION("it changes here") {
    country.open();
    REQUIRE(country.staff("B").write(kPatient, {{"gender", Run::value("F")}}));
    country.drive("B", "capture");
  }
  SECTION("the parent's copy comes first") {
    country.staff("P").have(kPatient, {{"gender", Run::value("M")}, {"birthdate", Run::value("1985")}});
    country.open();
    country.drive("B", "push", 2);
    country.drive("B", "pull", 8);
    country.drive("B", "apply", 8);
  }
  REQUIRE(country.settle());
  CHECK(verdict(country) == "");
}

/// The first of A's two sets reaches the parent in a batch of its own; both are in the outbox of A.
void hold_first_set(Run& run) {
  std::pair<std::string, std::string> second;
  {
    const auto tx = run.node("A").disk().write();
    second = **(*tx)->last(node::tables::kOutbox, "", "");
    REQUIRE((*tx)->erase(node::tables::kOutbox, second.first, ports::after(second.first)));
    REQUIRE((*tx)->commit());
  }
  run.network().cut(run.node("A").id(), false);
  run.drive("A", "push", 8);
  run.take("P");
  const auto tx = run.node("A").disk().write();
  REQUIRE((*tx)->put(node::tables::kOutbox, second.first, second.second));
  REQUIRE((*tx)->commit());
}

TEST_CASE("R14: sets that collapse into one another are applied together", "[runs]") {
  const bool apart = GENERATE(false, true);  // the second set comes when the first is held already
  Run run({{"P", {}}, {"A", 0}, {"B", 0}}, false);
  run.network().cut(run.node("A").id(), true);
  const RootKey person{"person", "p1"}, encounter{"encounter", "e1"}, visit{"visit", "v1"};
  REQUIRE(run.staff("A").write_many(
      {{person, {{"gender", Run::value("F")}}}, {encounter, {{"row", Run::value("e", {{"patient_id", "p1"}})}}}}));
  run.drive("A", "capture");
  REQUIRE(run.staff("A").write_many(
      {{visit, {{"row", Run::value("v", {{"patient_id", "p1"}})}}},
       {encounter, {{"row", Run::value("e in v", {{"patient_id", "p1"}, {"visit_id", "v1"}})}}}}));
  run.drive("A", "capture");
  if (apart) hold_first_set(run);
  run.all_is_well();
  CHECK(run.screen("B", encounter, "row") == "e in v");
}

TEST_CASE("R15: a person and a user who name each other in two chunks of the load go in together", "[runs]") {
  Before country;
  const RootKey person{"person", "p1"}, user{"users", "u1"};
  country.staff("A").have(person, {{"gender", Run::value("F")}});
  country.staff("A").have(user, {{"row", Run::value("u", {{"person_id", "p1"}})}});
  country.staff("A").have(person, {{"changed", Run::value("c", {{"creator", "u1"}})}});
  country.open();
  REQUIRE(country.settle());
  CHECK(verdict(country) == "");
  CHECK(country.node("B").openmrs.find(user) != nullptr);
}

TEST_CASE("R16: a body is never read from a snapshot older than what its dots say", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.up("A");
  run.write("B", "birthdate", "1985");
  run.drive("B", "capture");
  run.drive("B", "pull", 8);
  // Between B's snapshot and the reading of the bodies our own apply commits and is passed.
  bool inside = false;
  run.node("B").openmrs.before_call = [&](memory::TwinCall call) {
    if (call != memory::TwinCall::read || inside) return;
    inside = true;
    run.take("B");
  };
  run.drive("B", "push", 8);
  run.all_is_well();
  for (const char* at : {"P", "A", "B"}) CHECK(run.sides(at, "gender") == Words{"U"});
}

TEST_CASE("R17: a batch whose answer was lost is sent again byte for byte, whatever was written since", "[runs]") {
  Run run;
  run.write("A", "gender", "U");
  run.drive("A", "capture");
  run.network().lost_answers = 100;
  run.drive("A", "push", 8);
  const auto frozen = [&] {
    std::vector<std::string> batches;
    const auto tx = run.node("A").disk().read();
    (void)(*tx)->scan(node::tables::kFrozen, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      batches.emplace_back(entry.value);
      return true;
    });
    return batches;
  };
  const auto before = frozen();
  REQUIRE(before.size() == 1);
  run.write("A", "gender", "F");
  run.drive("A", "capture");
  run.drive("A", "push", 8);
  CHECK(frozen() == before);
  run.all_is_well();
}

TEST_CASE("R18: a huge transaction travels in parts, and one bad row of a load sets only itself aside", "[runs]") {
  SECTION("parts") {
    Run run;
    run.node("A").openmrs.piece_roots = 4;
    std::map<RootKey, std::map<GroupName, std::optional<GroupValue>>> roots;
    for (int i = 0; i < 30; ++i)
      roots[{"obs", "o" + std::to_string(i)}] = {
          {"row", Run::value("o" + std::to_string(i), {{"person_id", "patient"}})}};
    REQUIRE(run.staff("A").write_many(roots));
    run.all_is_well();
    for (const auto& [root, groups] : roots) CHECK(run.node("B").openmrs.find(root) != nullptr);
  }
  SECTION("a bad row") {
    Before country;
    for (int i = 0; i < 10; ++i)
      country.staff("A").have({"location", "L" + std::to_string(i)}, {{"name", named("L" + std::to_string(i))}});
    country.staff("P").have({"location", "other"}, {{"name", Run::value("x", {{"name", "L7"}})}});
    country.open();
    (void)country.settle();
    for (int i = 0; i < 10; ++i)
      CHECK((country.node("P").openmrs.find({"location", "L" + std::to_string(i)}) != nullptr) == (i != 7));
    const auto tx = country.node("P").disk().read();
    std::size_t quarantined = 0;
    (void)(*tx)->scan(node::tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const auto item = node::decode_record<node::InboxItem>(entry.value);
      quarantined += item && item->state == node::InboxItem::State::quarantined && item->roots.size() == 1;
      return true;
    });
    CHECK(quarantined == 1);
  }
}

TEST_CASE("R19: a root purged between its mark and its batch", "[runs]") {
  Run run;
  const RootKey obs{"obs", "o1"};
  run.network().cut(run.node("A").id(), true);
  REQUIRE(run.staff("A").write(obs, {{"row", Run::value("o", {{"person_id", "patient"}})}}));
  run.drive("A", "capture");
  REQUIRE(run.staff("A").purge(obs));
  SECTION("the purge is captured") { run.drive("A", "capture"); }
  SECTION("the purge is met by the batch") {
    run.network().cut(run.node("A").id(), false);
    run.drive("A", "push", 8);
  }
  run.all_is_well();
  CHECK(run.node("B").openmrs.find(obs) == nullptr);
}
