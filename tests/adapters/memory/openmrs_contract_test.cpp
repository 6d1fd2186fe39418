// What every implementation of the OpenMRS ports must do.
#include <string>
#include <vector>

#include "tests/adapters/memory/openmrs_worlds.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::test;
using ports::RootChange;
using ports::RootWrite;
using std::chrono::milliseconds;

namespace {

std::optional<ports::LogPiece> next_piece(ports::ChangeSource& source) { return must(source.next(milliseconds(2000))); }

std::vector<ports::LogPiece> rest_of(ports::ChangeSource& source) {
  std::vector<ports::LogPiece> pieces;
  while (auto piece = must(source.next(milliseconds(200)))) pieces.push_back(*std::move(piece));
  return pieces;
}

std::optional<ports::RootContent> read_now(ports::OpenmrsDatabase& database, const RootKey& root) {
  const auto snapshot = must(database.snapshot());
  return must(snapshot->read(std::span(&root, 1))).front();
}

const ports::GroupChange* find_group(const RootChange& change, const GroupName& name) {
  for (const ports::GroupChange& each : change.groups)
    if (each.group == name) return &each;
  return nullptr;
}

template <typename World>
RootWrite person_write(World&, const RootKey& root, const std::string& gender) {
  return {root, {{"life", World::alive()}, {"gender", World::gender(gender)}}, false};
}

/// A whole apply transaction.
Status apply(ports::OpenmrsDatabase& database, const std::string& key, const std::vector<RootWrite>& writes,
             ports::PutOutcome* outcome = nullptr) {
  const auto unit = must(database.begin());
  OMRSYNC_TRY(fresh, unit->mark(key));
  REQUIRE(fresh);
  std::vector<RootKey> roots;
  for (const RootWrite& each : writes) roots.push_back(each.root);
  OMRSYNC_TRY(held, unit->lock_read(roots));
  REQUIRE(held.size() == roots.size());
  OMRSYNC_TRY(put, unit->put(writes));
  REQUIRE(put.problems.empty());
  if (outcome != nullptr) *outcome = put;
  return unit->commit("payload of " + key);
}

}  // namespace

TEMPLATE_TEST_CASE("a snapshot keeps to its moment", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person");
  world.insert_person(person, "F");
  const auto snapshot = must(world.database().snapshot());
  const auto before = must(snapshot->read(std::span(&person, 1))).front();
  world.set_gender(person, "M");
  const auto again = must(snapshot->read(std::span(&person, 1))).front();
  CHECK(again->groups.at("gender").value == before->groups.at("gender").value);
  CHECK(read_now(world.database(), person)->groups.at("gender").hash != before->groups.at("gender").hash);
  CHECK(snapshot->position() < must(world.database().log_end()));
}

TEMPLATE_TEST_CASE("a root that is there has its life, one that is not gives nothing", "[openmrs]",
                   OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person"), nobody = world.fresh("person");
  world.insert_person(person, "F");
  const auto snapshot = must(world.database().snapshot());
  const std::vector<RootKey> asked{nobody, person, nobody};
  const auto contents = must(snapshot->read(asked));
  REQUIRE(contents.size() == 3);
  CHECK_FALSE(contents[0].has_value());
  CHECK(contents[1]->groups.contains("life"));
  CHECK_FALSE(contents[2].has_value());
}

TEMPLATE_TEST_CASE("the log shows created, written and purged roots in commit order", "[openmrs]",
                   OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const auto source = world.changes();
  must(source->open(std::nullopt));
  const RootKey person = world.fresh("person");
  world.insert_person(person, "F");
  const auto as_female = read_now(world.database(), person)->groups.at("gender");
  world.set_gender(person, "M");
  const auto as_male = read_now(world.database(), person)->groups.at("gender");
  world.remove(person);

  const auto created = next_piece(*source), written = next_piece(*source), purged = next_piece(*source);
  REQUIRE(created->roots.size() == 1);
  CHECK(created->roots[0].kind == RootChange::Kind::created);
  CHECK_FALSE(find_group(created->roots[0], "gender")->before.has_value());
  CHECK(find_group(created->roots[0], "gender")->after == as_female.hash);
  CHECK(find_group(created->roots[0], "life") != nullptr);

  CHECK(written->roots[0].kind == RootChange::Kind::written);
  CHECK(find_group(written->roots[0], "life") == nullptr);
  const auto* gender = find_group(written->roots[0], "gender");
  CHECK(gender->before == as_female.hash);
  CHECK(gender->before_value == as_female.value);
  CHECK(gender->after == as_male.hash);

  CHECK(purged->roots[0].kind == RootChange::Kind::purged);
  CHECK(find_group(purged->roots[0], "gender")->before == as_male.hash);
  CHECK_FALSE(find_group(purged->roots[0], "gender")->after.has_value());
  CHECK(created->position < written->position);
  CHECK(written->position < purged->position);
}

TEMPLATE_TEST_CASE("a source opened at a piece's position goes on after it", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const auto start = must(world.database().log_end());
  std::vector<RootKey> persons;
  for (int i = 0; i < 4; ++i) world.insert_person(persons.emplace_back(world.fresh("person")), "F");
  const auto source = world.changes();
  must(source->open(start));
  const auto all = rest_of(*source);
  REQUIRE(all.size() == 4);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto again = world.changes();
    must(again->open(all[i].position));
    const auto tail = rest_of(*again);
    REQUIRE(tail.size() == all.size() - i - 1);
    if (!tail.empty()) CHECK(tail.front().roots[0].root == persons[i + 1]);
  }
  CHECK(source->read_through() >= must(world.database().log_end()));
}

TEMPLATE_TEST_CASE("a snapshot's position and the log meet: what is behind it is not in it", "[openmrs]",
                   OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey first = world.fresh("person"), second = world.fresh("person");
  world.insert_person(first, "F");
  const auto snapshot = must(world.database().snapshot());
  world.insert_person(second, "M");
  const auto source = world.changes();
  must(source->open(snapshot->position()));
  const auto pieces = rest_of(*source);
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0].roots[0].root == second);
  CHECK_FALSE(must(snapshot->read(std::span(&second, 1))).front().has_value());
}

TEMPLATE_TEST_CASE("an apply transaction shows its marker, its payload and the hashes it promised", "[openmrs]",
                   OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey old = world.fresh("person"), fresh = world.fresh("person");
  world.insert_person(old, "F");
  const auto source = world.changes();
  must(source->open(std::nullopt));
  ports::PutOutcome outcome;
  must(apply(world.database(), "set 1",
             {person_write(world, fresh, "M"), {old, {{"gender", TestType::gender("M")}}, false}}, &outcome));
  const auto piece = next_piece(*source);
  CHECK(piece->marker_key == "set 1");
  CHECK(piece->marker_payload == "payload of set 1");
  REQUIRE(outcome.hashes.size() == 2);
  for (const RootChange& change : piece->roots) {
    const auto& promised = outcome.hashes[change.root == fresh ? 0 : 1];
    for (const ports::GroupChange& group : change.groups) CHECK(promised.at(group.group) == group.after);
  }
  CHECK(read_now(world.database(), fresh)->groups.at("gender").value == TestType::gender("M"));
}

TEMPLATE_TEST_CASE("a set is applied once: its marker is found the second time", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  must(apply(world.database(), "set 1", {person_write(world, world.fresh("person"), "M")}));
  CHECK_FALSE(must(must(world.database().begin())->mark("set 1")));
  CHECK(must(world.database().markers()) == std::vector<std::string>{"set 1"});
}

TEMPLATE_TEST_CASE("a marker alone is a transaction too", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const auto source = world.changes();
  must(source->open(std::nullopt));
  must(apply(world.database(), "set 1", {}));
  const auto piece = next_piece(*source);
  CHECK(piece->marker_key == "set 1");
  CHECK(piece->roots.empty());
}

TEMPLATE_TEST_CASE("markers are forgotten by name, the newest never", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  for (const char* key : {"a", "b", "c"}) must(apply(world.database(), key, {}));
  const std::vector<std::string> keys{"a", "c"};
  must(world.database().forget_markers(keys));
  const auto left = must(world.database().markers());
  CHECK(std::set<std::string>(left.begin(), left.end()) == std::set<std::string>{"b", "c"});
}

TEMPLATE_TEST_CASE("a unit that is dropped leaves no trace", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person");
  world.insert_person(person, "F");
  const auto before = must(world.database().log_end());
  {
    const auto unit = must(world.database().begin());
    REQUIRE(must(unit->mark("set 1")));
    must(unit->lock_read(std::span(&person, 1)));
    const std::vector<RootWrite> writes{{person, {{"gender", TestType::gender("M")}}, false}};
    must(unit->put(writes));
  }
  CHECK(read_now(world.database(), person)->groups.at("gender").value == TestType::gender("F"));
  CHECK(must(world.database().log_end()) == before);
  CHECK(must(must(world.database().begin())->mark("set 1")));
}

TEMPLATE_TEST_CASE("R20: a row that somebody holds is refused at once", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person");
  world.insert_person(person, "F");
  auto holder = world.hold(person);
  const auto unit = must(world.database().begin());
  REQUIRE(must(unit->mark("set 1")));
  const Error refused = must_fail(unit->lock_read(std::span(&person, 1)));
  CHECK(refused.code == Code::db_lock_busy);
  CHECK(refused.remedy == Remedy::retry_later);
  holder.reset();
  must(apply(world.database(), "set 1", {{person, {{"gender", TestType::gender("M")}}, false}}));
}

TEMPLATE_TEST_CASE("R20: a target that somebody holds refuses the row that names it", "[openmrs]",
                   OMRSYNC_RELATIONAL_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person"), visit = world.fresh("visit");
  world.insert_person(person, "F");
  const auto holder = world.hold(person);
  const auto unit = must(world.database().begin());
  must(unit->mark("set 1"));
  must(unit->lock_read(std::span(&visit, 1)));
  const std::vector<RootWrite> writes{
      {visit, {{"life", TestType::alive()}, {"row", TestType::visit_of(person)}}, false}};
  const auto refused = unit->put(writes);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::db_lock_busy);
}

TEMPLATE_TEST_CASE("a missing target is named; with it in the same unit the row goes in", "[openmrs]",
                   OMRSYNC_RELATIONAL_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person"), visit = world.fresh("visit");
  const RootWrite the_visit{visit, {{"life", TestType::alive()}, {"row", TestType::visit_of(person)}}, false};
  {
    const auto unit = must(world.database().begin());
    must(unit->mark("set 1"));
    must(unit->lock_read(std::span(&visit, 1)));
    const auto outcome = must(unit->put(std::span(&the_visit, 1)));
    REQUIRE(outcome.problems.size() == 1);
    CHECK(outcome.problems[0].root == visit);
    CHECK(outcome.problems[0].code == Code::reference_missing);
    CHECK(outcome.problems[0].missing == std::vector<RootKey>{person});
  }
  must(apply(world.database(), "set 1", {person_write(world, person, "F"), the_visit}));
  CHECK(read_now(world.database(), visit)->groups.at("row").value == TestType::visit_of(person));
}

TEMPLATE_TEST_CASE("a root that others refer to stays, and who refers is told; with them it goes", "[openmrs]",
                   OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person"), visit = world.fresh("visit");
  world.insert_person(person, "F");
  world.insert_visit(visit, person);
  const RootWrite purge_person{person, {}, true}, purge_visit{visit, {}, true};
  {
    const auto unit = must(world.database().begin());
    must(unit->mark("set 1"));
    must(unit->lock_read(std::span(&person, 1)));
    const auto outcome = must(unit->put(std::span(&purge_person, 1)));
    CHECK(outcome.problems.empty());
    REQUIRE(outcome.notices.size() == 1);
    CHECK(outcome.notices[0].kind == ports::PutNotice::Kind::dangling_parent);
    CHECK(outcome.notices[0].root == person);
    CHECK(outcome.notices[0].other == visit);
    must(unit->commit(""));
  }
  CHECK(read_now(world.database(), person).has_value());
  must(apply(world.database(), "set 2", {purge_visit, purge_person}));
  CHECK_FALSE(read_now(world.database(), person).has_value());
  CHECK_FALSE(read_now(world.database(), visit).has_value());
}

TEMPLATE_TEST_CASE("pages walk a table once, in order of the local keys", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  std::vector<RootKey> persons;
  for (int i = 0; i < 7; ++i) persons.push_back(world.fresh("person"));
  world.insert_persons(persons);
  const auto snapshot = must(world.database().snapshot());
  std::vector<RootKey> walked;
  std::string after;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = must(snapshot->page("person", after, 3));
    CHECK(page.roots.size() <= 3);
    for (const auto& each : page.roots) walked.push_back(each.root);
    if (!page.next) break;
    after = *page.next;
  }
  for (const RootKey& person : persons) CHECK(std::count(walked.begin(), walked.end(), person) == 1);
}

TEMPLATE_TEST_CASE("a transaction that changes nothing shows nothing", "[openmrs]", OMRSYNC_OPENMRS_WORLDS) {
  TestType world;
  const RootKey person = world.fresh("person");
  world.insert_person(person, "F");
  const auto source = world.changes();
  must(source->open(std::nullopt));
  world.set_gender(person, "F");
  CHECK(rest_of(*source).empty());
}
