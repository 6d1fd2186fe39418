#include "node/admin/resolve.h"

#include "node/admin/status.h"
#include "tests/node/few_nodes.h"

namespace omrsync::admin {
namespace {

using node::cells;

const RootKey kPatient{"person", "patient"};

/// Two clinics wrote one patient's gender, and address, while apart; the centre knows of it.
struct Apart : node::Country {
  Apart() {
    start();
    settle(20);
    memory::Clinician clerk(p.openmrs, "clerk");
    REQUIRE(clerk.write_now(kPatient, {{"gender", cells({{"gender", "M"}})}}));
    settle();
    for (auto* each : {&p, &a, &b}) each->clock.advance(std::chrono::hours(1));
    write(a, cells({{"gender", "F"}, {"note", "form"}}));
    write(b, cells({{"gender", "U"}}));
    settle();
  }

  static void write(node::TestNode& at, const GroupValue& gender) {
    memory::Clinician nurse(at.openmrs, "nurse");
    REQUIRE(nurse.write_now(kPatient, {{"gender", gender}}));
  }

  Conflict only(node::TestNode& at) {
    const auto tx = std::move(at.disk.read().value());
    std::vector<Conflict> all;
    REQUIRE(list_conflicts(*tx, {}, [&](const Conflict& conflict) { all.push_back(conflict); }));
    REQUIRE(all.size() == 1);
    return all.front();
  }

  void all_have(const GroupValue& value) {
    settle();
    for (auto* each : {&p, &a, &b}) {
      CHECK(node::rows_of(each->openmrs, kPatient).at("gender") == value);
      CHECK_FALSE(only(*each).record.open);
      CHECK(only(*each).record.id == only(p).record.id);
    }
  }
};

Resolution by(std::optional<std::string> take) {
  Resolution resolution;
  resolution.take = std::move(take);
  resolution.user = "mary";
  resolution.reason = "as on the paper form";
  return resolution;
}

}  // namespace

TEST_CASE("a side is taken: one value at all three databases, closed everywhere with who and why") {
  Apart country;
  const std::string id = country.only(country.p).record.id;
  const auto waiting = resolve_conflict(country.p.disk, id, by("d"));
  REQUIRE(waiting);
  CHECK(waiting->waits);
  country.all_have(cells({{"gender", "U"}}));
  for (auto* each : {&country.p, &country.a, &country.b}) {
    const Json json = to_json(country.only(*each), true);
    const Json* decision = json.find("decision");
    CHECK(decision->text_of("by") == "user");
    CHECK(decision->text_of("user") == "mary");
    CHECK(decision->text_of("reason") == "as on the paper form");
    CHECK(decision->find("value")->text_of("gender") == "U");
    CHECK(json.find("sides")->array()->size() == 2);
  }
  CHECK(resolve_conflict(country.p.disk, id, by("b")).error().code == Code::conflict_decided);
}

TEST_CASE("fields of several sides, and given ones, become one value") {
  Apart country;
  Resolution mixed = by("d");
  mixed.set.emplace_back("note", "c");
  REQUIRE(resolve_conflict(country.p.disk, country.only(country.p).record.id, mixed));
  country.all_have(cells({{"gender", "U"}, {"note", "form"}}));

  Apart again;
  Resolution given = by({});
  given.values.emplace_back("gender", Json("X"));
  given.values.emplace_back("note", Json());
  REQUIRE(resolve_conflict(again.p.disk, again.only(again.p).record.id, given));
  again.all_have(cells({{"gender", "X"}}));
}

TEST_CASE("what cannot be meant is refused, and a field that no side has is dropped when it is to be written") {
  Apart country;
  const std::string id = country.only(country.p).record.id;
  CHECK(resolve_conflict(country.p.disk, id, by("nowhere")).error().code == Code::usage);
  CHECK(resolve_conflict(country.p.disk, id, by({})).error().code == Code::usage);
  CHECK(undo_conflict(country.p.disk, id, by({})).error().code == Code::usage);
  Resolution wrong = by({});
  wrong.values.emplace_back("colour", Json("green"));
  REQUIRE(resolve_conflict(country.p.disk, id, wrong));
  country.settle();
  CHECK(country.only(country.p).record.open);
  CHECK_FALSE(country.only(country.p).waits);
}

TEST_CASE("a decision is undone: the earlier value comes back everywhere") {
  Apart country;
  const std::string id = country.only(country.p).record.id;
  REQUIRE(resolve_conflict(country.p.disk, id, by("d")));
  country.all_have(cells({{"gender", "U"}}));
  REQUIRE(undo_conflict(country.p.disk, id, by({})));
  country.all_have(cells({{"gender", "F"}, {"note", "form"}}));
  for (auto* each : {&country.p, &country.a, &country.b}) CHECK(country.only(*each).record.undone);
  CHECK(undo_conflict(country.p.disk, id, by({})).error().code == Code::conflict_decided);
}

TEST_CASE("a decision over which somebody wrote is not undone") {
  Apart country;
  const std::string id = country.only(country.p).record.id;
  REQUIRE(resolve_conflict(country.p.disk, id, by("d")));
  country.settle();
  for (auto* each : {&country.p, &country.a, &country.b}) each->clock.advance(std::chrono::hours(1));
  Apart::write(country.a, cells({{"gender", "Q"}}));
  country.settle();
  CHECK(undo_conflict(country.p.disk, id, by({})).error().code == Code::conflict_moved);
}

TEST_CASE("a child's operator may decide as well") {
  Apart country;
  REQUIRE(resolve_conflict(country.a.disk, country.only(country.a).record.id, by(to_string(node::node_id(3)))));
  country.all_have(cells({{"gender", "U"}}));
}

TEST_CASE("many conflicts are decided by a rule; a dry run writes nothing") {
  Apart country;
  BulkResolution bulk;
  bulk.word = conflict::Word::shown_wins;
  bulk.user = "mary";
  bulk.dry_run = true;
  const auto nothing = [](Conflict&) { return Status{Done{}}; };
  const auto tried = resolve_by_rule(country.p.disk, bulk, nothing);
  REQUIRE(tried->size() == 1);
  CHECK(tried->front().decision.outcome == conflict::Decision::Outcome::winner);
  country.settle();
  CHECK(country.only(country.p).record.open);
  bulk.dry_run = false;
  bulk.filter.type = "Observation";
  CHECK(resolve_by_rule(country.p.disk, bulk, nothing)->empty());
  bulk.filter.type = "Patient";
  REQUIRE(resolve_by_rule(country.p.disk, bulk, nothing));
  country.all_have(cells({{"gender", "F"}, {"note", "form"}}));
  CHECK(country.only(country.a).record.rule == "shown-wins");
  const auto counts = conflict_counts(*country.p.disk.read().value());
  CHECK(counts->at("field").by_user == 1);
}

TEST_CASE("conflicts are filtered by type, site, age and policy") {
  Apart country;
  const auto count = [&](const ConflictFilter& filter) {
    int found = 0;
    REQUIRE(list_conflicts(*country.p.disk.read().value(), filter, [&](const Conflict&) { ++found; }));
    return found;
  };
  CHECK(count({{}, "Patient", {}, {}, {}}) == 1);
  CHECK(count({{}, "person", {}, {}, {}}) == 1);
  CHECK(count({{}, "Encounter", {}, {}, {}}) == 0);
  CHECK(count({{}, {}, "c", {}, {}}) == 1);
  CHECK(count({{}, {}, "elsewhere", {}, {}}) == 0);
  CHECK(count({{}, {}, {}, "safe", {}}) == 1);
  CHECK(count({{}, {}, {}, "manual", {}}) == 1);
  CHECK(count({{}, {}, {}, "national", {}}) == 0);
  CHECK(count({{}, {}, {}, {}, 0}) == 0);
  CHECK(count({{}, {}, {}, {}, INT64_MAX}) == 1);
}

}  // namespace omrsync::admin
