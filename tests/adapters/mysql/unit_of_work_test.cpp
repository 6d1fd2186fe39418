#include <algorithm>
#include <map>
#include <set>

#include "adapters/mysql/database.h"
#include "protocol/cells.h"
#include "tests/adapters/mysql/openmrs_database.h"
#include "tests/adapters/mysql/random_rows.h"
#include "tests/support/catch.h"

using namespace omrsync;
using ports::RootContent;
using ports::RootWrite;

namespace {

std::map<RootKey, RootContent> everything(mysql::MysqlDatabase& database) {
  std::map<RootKey, RootContent> all;
  auto snapshot = database.snapshot();
  REQUIRE(snapshot.has_value());
  const auto tables = database.tables();
  REQUIRE(tables.has_value());
  for (const ports::RootTable& table : *tables) {
    std::string after;
    for (bool more = true; more;) {
      auto page = (*snapshot)->page(table.table, after, 100);
      REQUIRE(page.has_value());
      for (ports::LoadedRoot& root : page->roots) all.emplace(root.root, std::move(root.content));
      more = page->next.has_value();
      if (more) after = *page->next;
    }
  }
  return all;
}

RootWrite write_of(const RootKey& root, const RootContent& content) {
  RootWrite write{root, {}, false};
  for (const auto& [name, group] : content.groups) write.groups.emplace(name, group.value);
  return write;
}

std::vector<RootKey> keys_of(const std::vector<RootWrite>& writes) {
  std::vector<RootKey> keys;
  for (const RootWrite& write : writes) keys.push_back(write.root);
  return keys;
}

struct Applied {
  ports::PutOutcome outcome;
  bool marked = false;
};

/// One set, as the apply worker does it; committed only without problems.
Applied apply(mysql::MysqlDatabase& database, const std::string& key, const std::vector<RootWrite>& writes) {
  Applied applied;
  auto unit = database.begin();
  REQUIRE(unit.has_value());
  const auto marked = (*unit)->mark(key);
  REQUIRE(marked.has_value());
  applied.marked = *marked;
  if (!applied.marked) return applied;
  REQUIRE((*unit)->lock_read(keys_of(writes)).has_value());
  auto outcome = (*unit)->put(writes);
  if (!outcome) FAIL(outcome.error().message);
  applied.outcome = std::move(*outcome);
  for (const ports::PutProblem& problem : applied.outcome.problems)
    UNSCOPED_INFO(problem.root.table << " " << problem.root.key << " " << to_string(problem.code) << " "
                                     << problem.reason);
  if (applied.outcome.problems.empty()) REQUIRE((*unit)->commit("payload of " + key).has_value());
  return applied;
}

void check_same_values(const std::map<RootKey, RootContent>& expected, const std::map<RootKey, RootContent>& found) {
  REQUIRE(expected.size() == found.size());
  for (const auto& [root, content] : expected) {
    INFO(root.table << " " << root.key);
    REQUIRE(found.contains(root));
    const RootContent& there = found.at(root);
    REQUIRE(there.groups.size() == content.groups.size());
    for (const auto& [name, group] : content.groups) {
      INFO(name);
      REQUIRE(there.groups.contains(name));
      CHECK(there.groups.at(name).value == group.value);
    }
  }
}

GroupValue cells(std::vector<NamedCell> list) { return encode_cells(std::move(list)); }

/// A role, which needs nothing else.
RootWrite role(const std::string& name, const std::string& description) {
  return {{"role", name},
          {{"life", cells({})}, {"row", cells({{"description", description}, {"uuid", name + "-uuid"}})}},
          false};
}

RootWrite person(const std::string& key, const std::string& creator) {
  return {{"person", key},
          {{"life", cells({{"voided", "0"}})},
           {"gender", cells({{"gender", "F"}})},
           {"created", creator.empty() ? cells({{"date_created", "2024-01-01 10:00:00"}})
                                       : cells({{"creator", creator}, {"date_created", "2024-01-01 10:00:00"}})}},
          false};
}

RootWrite user(const std::string& key, const std::string& system_id, const std::string& of_person) {
  return {{"users", key},
          {{"life", cells({{"retired", "0"}})},
           {"name", cells({{"system_id", system_id}})},
           {"person", cells({{"person_id", of_person}})},
           {"created", cells({{"creator", key}, {"date_created", "2024-01-01 10:00:00"}})}},
          false};
}

RootWrite visit_type(const std::string& key, const std::string& name, const std::string& creator) {
  return {{"visit_type", key},
          {{"life", cells({{"retired", "0"}})},
           {"row", cells({{"creator", creator}, {"date_created", "2024-01-01 10:00:00"}, {"name", name}})}},
          false};
}

RootWrite encounter_type(const std::string& key, const std::string& name, const std::string& creator) {
  RootWrite write = visit_type(key, name, creator);
  write.root.table = "encounter_type";
  return write;
}

std::string value_of(mysql::MysqlDatabase& database, const RootKey& root, const GroupName& group,
                     std::string_view column) {
  auto snapshot = database.snapshot();
  REQUIRE(snapshot.has_value());
  const auto read = (*snapshot)->read(std::vector{root});
  REQUIRE(read.has_value());
  if (!(*read)[0]) return "(no root)";
  if (!(*read)[0]->groups.contains(group)) return "(no group)";
  return std::string(find_cell((*read)[0]->groups.at(group).value, column).value_or("(none)"));
}

}  // namespace

TEST_CASE("whatever one database holds another can be made to hold, value by value") {
  tests::OpenmrsServer server;
  const auto source = server.open("source");
  const auto target = server.open("target");
  const auto connection = server.connect("source");
  tests::RandomRows(*connection, *source->model(), 11).fill(12);
  const auto there = everything(*source);
  std::vector<RootWrite> writes;
  for (const auto& [root, content] : there) writes.push_back(write_of(root, content));
  std::reverse(writes.begin(), writes.end());
  const Applied applied = apply(*target, "all", writes);
  REQUIRE(applied.outcome.problems.empty());
  const auto here = everything(*target);
  check_same_values(there, here);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    INFO(writes[i].root.table << " " << writes[i].root.key);
    for (const auto& [name, hash] : applied.outcome.hashes[i]) {
      INFO(name);
      CHECK(here.at(writes[i].root).groups.at(name).hash == hash);
    }
    CHECK(applied.outcome.hashes[i].size() == writes[i].groups.size());
    CHECK(applied.outcome.residues[i].empty());
  }
}

TEST_CASE("changes of rows that are there arrive, and what was not written stays") {
  tests::OpenmrsServer server;
  const auto source = server.open("source");
  const auto target = server.open("target");
  const auto connection = server.connect("source");
  tests::RandomRows random(*connection, *source->model(), 12);
  random.fill(5);
  std::vector<RootWrite> first;
  for (const auto& [root, content] : everything(*source)) first.push_back(write_of(root, content));
  REQUIRE(apply(*target, "first", first).outcome.problems.empty());
  for (const std::string& table : source->model()->tables)
    if (!source->model()->schema.at(table).primary_key.empty()) random.update_one(table);
  const auto there = everything(*source);
  const auto before = everything(*target);
  std::vector<RootWrite> second;
  for (const auto& [root, content] : there) {
    second.push_back(write_of(root, content));
    if (!before.contains(root)) continue;
    for (const auto& [name, group] : before.at(root).groups) second.back().groups.emplace(name, std::nullopt);
  }
  for (const auto& [root, content] : before)
    if (!there.contains(root)) second.push_back({root, {}, true});
  REQUIRE(apply(*target, "second", second).outcome.problems.empty());
  check_same_values(there, everything(*target));
}

TEST_CASE("a set is applied once") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "set-1", {role("nurse", "one")}).marked);
  CHECK_FALSE(apply(*database, "set-1", {role("nurse", "two")}).marked);
  CHECK(value_of(*database, {"role", "nurse"}, "row", "description") == "one");
  CHECK(*database->markers() == std::vector<std::string>{"set-1"});
  CHECK(server.server().sql("SELECT payload FROM omrsync_clinic.marker") == "payload of set-1\n");
}

TEST_CASE("the newest marker is kept when markers are forgotten") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  for (const char* key : {"a", "b", "c"}) REQUIRE(apply(*database, key, {role(key, "d")}).marked);
  REQUIRE(database->forget_markers(std::vector<std::string>{"a", "c"}).has_value());
  const auto left = database->markers();
  REQUIRE(left.has_value());
  CHECK(std::set(left->begin(), left->end()) == std::set<std::string>{"b", "c"});
}

TEST_CASE("what is not committed is not there") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  {
    auto unit = database->begin();
    REQUIRE((*unit)->mark("set-1").has_value());
    REQUIRE((*unit)->put(std::vector{role("nurse", "one")})->problems.empty());
  }
  CHECK(value_of(*database, {"role", "nurse"}, "row", "description") == "(no root)");
  CHECK(database->markers()->empty());
}

TEST_CASE("a person and the user who made it, who needs the person, come together") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "cycle", {user("u-1", "boss", "p-1"), person("p-1", "u-1")}).outcome.problems.empty());
  CHECK(value_of(*database, {"person", "p-1"}, "created", "creator") == "u-1");
  CHECK(value_of(*database, {"users", "u-1"}, "person", "person_id") == "p-1");
  CHECK(value_of(*database, {"users", "u-1"}, "created", "creator") == "u-1");
}

TEST_CASE("each missing target is named, and nothing is written") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  const Applied applied =
      apply(*database, "early", {role("nurse", "d"), user("u-1", "boss", "p-9"), person("p-1", "u-8")});
  std::map<RootKey, std::vector<RootKey>> missing;
  for (const ports::PutProblem& problem : applied.outcome.problems) {
    CHECK(problem.code == Code::reference_missing);
    missing[problem.root] = problem.missing;
  }
  CHECK(missing == std::map<RootKey, std::vector<RootKey>>{{{"users", "u-1"}, {{"person", "p-9"}}},
                                                           {{"person", "p-1"}, {{"users", "u-8"}}}});
  CHECK(value_of(*database, {"role", "nurse"}, "row", "uuid") == "(no root)");
}

TEST_CASE("a target that was purged since it was last seen is missing, not a constraint") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1", {user("u-1", "boss", "p-1"), person("p-1", "u-1"), person("p-2", "")}).marked);
  RootWrite second = user("u-2", "second", "p-2");
  second.groups["created"] = cells({{"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}});
  REQUIRE(apply(*database, "2", {second}).outcome.problems.empty());
  server.server().sql("DELETE FROM users WHERE uuid = 'u-2'; DELETE FROM person WHERE uuid = 'p-2'", "clinic");
  const Applied applied = apply(*database, "3", {user("u-3", "third", "p-2")});
  REQUIRE(applied.outcome.problems.size() == 1);
  CHECK(applied.outcome.problems[0].missing == std::vector<RootKey>{{"person", "p-2"}});
}

TEST_CASE("a target that stands under another number than before is found") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1", {user("u-1", "boss", "p-1"), person("p-1", "u-1"), person("p-2", "")}).marked);
  RootWrite second = user("u-2", "second", "p-2");
  second.groups["created"] = cells({{"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}});
  REQUIRE(apply(*database, "2", {second}).outcome.problems.empty());
  server.server().sql(
      "DELETE FROM users WHERE uuid = 'u-2'; DELETE FROM person WHERE uuid = 'p-2';"
      "INSERT INTO person (uuid, gender, date_created) VALUES ('p-2', 'F', '2024-01-01 10:00:00')",
      "clinic");
  const Applied applied = apply(*database, "3", {role("nurse", "before"), user("u-3", "third", "p-2")});
  CHECK(applied.outcome.problems.empty());
  CHECK(value_of(*database, {"users", "u-3"}, "person", "person_id") == "p-2");
  CHECK(value_of(*database, {"role", "nurse"}, "row", "description") == "before");
}

TEST_CASE("a row that somebody holds is refused at once, and he commits undisturbed") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1", {role("nurse", "one")}).marked);
  const auto clinician = server.connect("clinic");
  REQUIRE(clinician->begin().has_value());
  REQUIRE(clinician->execute("UPDATE role SET description = 'clinician'").has_value());
  auto unit = database->begin();
  REQUIRE((*unit)->mark("2").has_value());
  const auto locked = (*unit)->lock_read(std::vector<RootKey>{{"role", "nurse"}});
  REQUIRE_FALSE(locked.has_value());
  CHECK(locked.error().code == Code::db_lock_busy);
  CHECK(locked.error().remedy == Remedy::retry_later);
  REQUIRE(clinician->commit().has_value());
  CHECK(value_of(*database, {"role", "nurse"}, "row", "description") == "clinician");
  CHECK(database->markers()->size() == 1);
}

TEST_CASE("two unique names that were swapped are swapped here too") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1",
                {user("u-1", "boss", "p-1"), person("p-1", "u-1"), encounter_type("t-1", "Intake", "u-1"),
                 encounter_type("t-2", "Return", "u-1")})
              .outcome.problems.empty());
  const Applied applied =
      apply(*database, "2", {encounter_type("t-1", "Return", "u-1"), encounter_type("t-2", "Intake", "u-1")});
  REQUIRE(applied.outcome.problems.empty());
  CHECK(value_of(*database, {"encounter_type", "t-1"}, "row", "name") == "Return");
  CHECK(value_of(*database, {"encounter_type", "t-2"}, "row", "name") == "Intake");
}

TEST_CASE("metadata of a taken name becomes an alias of the row that has it") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1",
                {user("u-1", "boss", "p-1"), person("p-1", "u-1"), encounter_type("ours", "Intake", "u-1"),
                 person("p-2", "")})
              .marked);
  RootWrite patient = person("p-2", "");
  patient.groups["patient"] =
      cells({{"allergy_status", "Unknown"}, {"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}});
  patient.groups["patient#life"] = cells({{"voided", "0"}});
  const RootWrite encounter{{"encounter", "e-1"},
                            {{"life", cells({{"voided", "0"}})},
                             {"subject", cells({{"patient_id", "p-2"}})},
                             {"type", cells({{"encounter_type", "theirs"}})},
                             {"when", cells({{"encounter_datetime", "2024-01-01 10:00:00"}})},
                             {"created", cells({{"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}})}},
                            false};
  const Applied applied = apply(*database, "2", {encounter, encounter_type("theirs", "intàke ", "u-1"), patient});
  REQUIRE(applied.outcome.problems.empty());
  REQUIRE(applied.outcome.notices.size() == 1);
  CHECK(applied.outcome.notices[0].kind == ports::PutNotice::Kind::alias);
  CHECK(applied.outcome.notices[0].root == RootKey{"encounter_type", "theirs"});
  CHECK(applied.outcome.notices[0].other == RootKey{"encounter_type", "ours"});
  CHECK(server.server().sql("SELECT COUNT(*) FROM encounter_type", "clinic") == "1\n");
  CHECK(value_of(*database, {"encounter", "e-1"}, "type", "encounter_type") == "ours");
  CHECK(value_of(*database, {"encounter_type", "theirs"}, "row", "name") == "intàke ");
  const auto again = server.open_again("clinic");
  CHECK(value_of(*again, {"encounter_type", "theirs"}, "row", "name") == "intàke ");
}

TEST_CASE("an identifier that another patient has goes in beside it, and both are named") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  RootWrite type = visit_type("t-1", "Old number", "u-1");
  type.root.table = "patient_identifier_type";
  REQUIRE(apply(*database, "1", {user("u-1", "boss", "p-1"), person("p-1", "u-1"), type}).outcome.problems.empty());
  const auto patient = [](const std::string& key, const std::string& identifier) {
    RootWrite write = person(key, "u-1");
    const GroupName owned = "patient_identifier/i-of-" + key;
    const GroupValue made = cells({{"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}});
    write.groups["patient"] = merge_cells(made, cells({{"allergy_status", "Unknown"}}));
    write.groups["patient#life"] = cells({{"voided", "0"}});
    write.groups[owned] =
        merge_cells(made, cells({{"identifier", identifier}, {"identifier_type", "t-1"}, {"preferred", "1"}}));
    write.groups[owned + "#life"] = cells({{"voided", "0"}});
    return write;
  };
  CHECK(apply(*database, "2", {patient("p-2", "100-8")}).outcome.notices.empty());
  CHECK(apply(*database, "3", {patient("p-3", "101-6")}).outcome.notices.empty());
  const Applied applied = apply(*database, "4", {patient("p-4", "100-8")});
  REQUIRE(applied.outcome.problems.empty());
  REQUIRE(applied.outcome.notices.size() == 1);
  CHECK(applied.outcome.notices[0].kind == ports::PutNotice::Kind::identifier_taken);
  CHECK(applied.outcome.notices[0].root == RootKey{"person", "p-4"});
  CHECK(applied.outcome.notices[0].other == RootKey{"patient_identifier", "i-of-p-2"});
  CHECK(server.server().sql("SELECT COUNT(*) FROM patient_identifier WHERE identifier='100-8'", "clinic") == "2\n");
  // The column has a default, and that is no location.
  CHECK(server.server().sql("SELECT COUNT(*) FROM patient_identifier WHERE location_id IS NULL", "clinic") == "3\n");
}

TEST_CASE("a user whose name is taken goes in under another one, and the true one is kept") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1", {user("u-1", "boss", "p-1"), person("p-1", "u-1"), person("p-2", "")}).marked);
  RootWrite other = user("u-2", "BOSS", "p-2");
  other.groups["name"] = cells({{"email", "boss@example.org"}, {"system_id", "BOSS"}, {"username", "amina"}});
  const Applied applied = apply(*database, "2", {other});
  REQUIRE(applied.outcome.problems.empty());
  REQUIRE(applied.outcome.notices.size() == 1);
  CHECK(applied.outcome.notices[0].kind == ports::PutNotice::Kind::name_taken);
  CHECK(value_of(*database, {"users", "u-2"}, "name", "system_id") == "BOSS@site");
  CHECK(value_of(*database, {"users", "u-2"}, "name", "username") == "(none)");
  CHECK(applied.outcome.residues[0].at("name") == other.groups["name"]);
}

TEST_CASE("another node's admin is our admin") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(apply(*database, "1", {user("ours", "admin", "p-1"), person("p-1", "ours")}).marked);
  const Applied applied = apply(
      *database, "2", {user("theirs", "admin", "p-2"), person("p-2", "theirs"), visit_type("v-1", "Home", "theirs")});
  REQUIRE(applied.outcome.problems.empty());
  CHECK(server.server().sql("SELECT COUNT(*) FROM users", "clinic") == "1\n");
  CHECK(value_of(*database, {"users", "ours"}, "person", "person_id") == "p-1");
  CHECK(value_of(*database, {"visit_type", "v-1"}, "row", "creator") == "ours");
  CHECK(find_cell(applied.outcome.residues[0].at("person"), "person_id") == "p-2");
  const auto foreign = [&] {
    auto snapshot = database->snapshot();
    return (*(*snapshot)->read(std::vector<RootKey>{{"users", "theirs"}}))[0].value();
  };
  const RootContent before = foreign();
  CHECK(before.groups.at("name").hash == applied.outcome.hashes[0].at("name"));
  server.server().sql("UPDATE users SET username = 'renamed here'", "clinic");
  CHECK(foreign().groups.at("name").hash == before.groups.at("name").hash);
}

TEST_CASE("purged rows go, children first, but not what others refer to") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(
      apply(*database, "1",
            {user("u-1", "boss", "p-1"), person("p-1", "u-1"), person("p-2", "u-1"), visit_type("v-1", "Home", "u-1")})
          .marked);
  const Applied applied = apply(*database, "2",
                                {{{"person", "p-1"}, {}, true},
                                 {{"person", "p-2"}, {}, true},
                                 {{"users", "u-1"}, {}, true},
                                 {{"visit_type", "v-1"}, {}, true}});
  REQUIRE(applied.outcome.problems.empty());
  CHECK(value_of(*database, {"person", "p-2"}, "life", "voided") == "(no root)");
  CHECK(value_of(*database, {"visit_type", "v-1"}, "life", "retired") == "(no root)");
  CHECK(value_of(*database, {"person", "p-1"}, "life", "voided") == "1");
  CHECK(value_of(*database, {"users", "u-1"}, "life", "retired") == "1");
  std::set<RootKey> kept;
  for (const ports::PutNotice& notice : applied.outcome.notices) {
    CHECK(notice.kind == ports::PutNotice::Kind::dangling_parent);
    kept.insert(notice.root);
  }
  CHECK(kept == std::set<RootKey>{{"person", "p-1"}, {"users", "u-1"}});
  const auto here = everything(*database);
  CHECK(here.at({"person", "p-1"}).groups.at("life").hash == applied.outcome.hashes[0].at("life"));
}

TEST_CASE("the row that stands for a purged one stays, and stands for it no longer") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(
      apply(*database, "1", {user("u-1", "boss", "p-1"), person("p-1", "u-1"), encounter_type("ours", "Visit", "u-1")})
          .marked);
  REQUIRE(apply(*database, "2", {encounter_type("theirs", "Visit", "u-1")}).outcome.notices.size() == 1);
  CHECK(value_of(*database, {"encounter_type", "theirs"}, "life", "retired") == "0");
  const Applied applied = apply(*database, "3", {{{"encounter_type", "theirs"}, {}, true}});
  CHECK(applied.outcome.notices.empty());
  CHECK(value_of(*database, {"encounter_type", "theirs"}, "life", "retired") == "(no root)");
  CHECK(value_of(*database, {"encounter_type", "ours"}, "life", "retired") == "0");
  CHECK(server.server().sql("SELECT COUNT(*) FROM omrsync_clinic.alias") == "0\n");
}

TEST_CASE("R31: a user is retired and never deleted, so that its key takes nobody along") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  REQUIRE(
      apply(*database, "1", {user("u-1", "boss", "p-1"), person("p-1", "u-1"), user("u-2", "nurse", "p-1")}).marked);
  server.server().sql("UPDATE users SET creator = (SELECT user_id FROM (SELECT * FROM users) u WHERE u.uuid = 'u-1')",
                      "clinic");
  server.server().sql("UPDATE users SET changed_by = creator WHERE uuid = 'u-2'", "clinic");
  const Applied nurse = apply(*database, "2", {{{"users", "u-2"}, {}, true}});
  REQUIRE(nurse.outcome.notices.size() == 1);
  CHECK(nurse.outcome.notices[0].other == RootKey{"users", "u-2"});
  const Applied boss = apply(*database, "3", {{{"users", "u-1"}, {}, true}});
  std::set<RootKey> others;
  for (const ports::PutNotice& notice : boss.outcome.notices) others.insert(notice.other);
  CHECK(others == std::set<RootKey>{{"users", "u-2"}, {"person", "p-1"}});
  for (const char* key : {"u-1", "u-2"}) CHECK(value_of(*database, {"users", key}, "life", "retired") == "1");
  CHECK(value_of(*database, {"users", "u-1"}, "life", "date_retired") == "(none)");
  CHECK(boss.outcome.hashes[0].at("life") == everything(*database).at({"users", "u-1"}).groups.at("life").hash);
}

TEST_CASE("a row that a cascading key of another root would take along keeps the one it refers to") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  server.server().sql(
      "ALTER TABLE person ADD COLUMN home INT NULL, ADD CONSTRAINT home FOREIGN KEY (home) REFERENCES "
      "visit_type (visit_type_id) ON DELETE CASCADE",
      "clinic");
  REQUIRE(database->refresh().has_value());
  REQUIRE(
      apply(*database, "1",
            {user("u-1", "boss", "p-1"), person("p-1", "u-1"), person("p-2", "u-1"), visit_type("v-1", "Home", "u-1")})
          .marked);
  server.server().sql("UPDATE person SET home = (SELECT MIN(visit_type_id) FROM visit_type) WHERE uuid = 'p-2'",
                      "clinic");
  const Applied applied = apply(*database, "2", {{{"visit_type", "v-1"}, {}, true}});
  REQUIRE(applied.outcome.notices.size() == 1);
  CHECK(applied.outcome.notices[0].root == RootKey{"visit_type", "v-1"});
  CHECK(applied.outcome.notices[0].other == RootKey{"person", "p-2"});
  CHECK(value_of(*database, {"visit_type", "v-1"}, "life", "retired") == "1");
  CHECK(server.server().sql("SELECT COUNT(*) FROM person WHERE uuid = 'p-2'", "clinic") == "1\n");
}

TEST_CASE("an owned row that is deleted goes") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  RootWrite named = person("p-1", "u-1");
  named.groups["person_name/n-1"] =
      cells({{"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}, {"given_name", "A"}});
  named.groups["person_name/n-2"] =
      cells({{"creator", "u-1"}, {"date_created", "2024-01-01 10:00:00"}, {"given_name", "B"}});
  REQUIRE(apply(*database, "1", {user("u-1", "boss", "p-1"), named}).outcome.problems.empty());
  CHECK(value_of(*database, {"person", "p-1"}, "person_name/n-2", "given_name") == "B");
  RootWrite less{{"person", "p-1"}, {{"person_name/n-2", std::nullopt}, {"person_name/n-2#life", std::nullopt}}, false};
  REQUIRE(apply(*database, "2", {less}).outcome.problems.empty());
  CHECK(value_of(*database, {"person", "p-1"}, "person_name/n-2", "given_name") == "(no group)");
  CHECK(value_of(*database, {"person", "p-1"}, "person_name/n-1", "given_name") == "A");
}

TEST_CASE("what this schema lacks comes back as residue, and what never travels is not kept at all") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  RootWrite write = role("nurse", "d");
  write.groups["row"] = cells({{"description", "d"}, {"shade", "blue"}, {"uuid", "r-1"}});
  write.groups["role_history/h-1"] = cells({{"note", "x"}});
  RootWrite hostile = user("u-1", "boss", "p-1");
  hostile.groups["name"] = cells({{"password", "known"}, {"system_id", "boss"}});
  const Applied applied = apply(*database, "1", {write, hostile, person("p-1", "")});
  REQUIRE(applied.outcome.problems.empty());
  CHECK(applied.outcome.residues[0] == std::map<GroupName, GroupValue>{{"row", cells({{"shade", "blue"}})},
                                                                       {"role_history/h-1", cells({{"note", "x"}})}});
  CHECK(applied.outcome.residues[1].empty());
  CHECK(server.server().sql("SELECT password IS NULL FROM users", "clinic") == "1\n");
}

TEST_CASE("a value that the column cannot hold is refused by table and column, never by its text") {
  tests::OpenmrsServer server;
  const auto database = server.open("altered");
  server.server().sql("ALTER TABLE role MODIFY description VARCHAR(255) CHARACTER SET utf8mb3", "altered");
  REQUIRE(database->refresh().has_value());
  const auto problem = [&](const std::string& description) {
    const Applied applied = apply(*database, description.substr(0, 20), {role("nurse", description)});
    REQUIRE(applied.outcome.problems.size() == 1);
    CHECK(applied.outcome.problems[0].reason.find("role.description") != std::string::npos);
    CHECK(applied.outcome.problems[0].reason.find(description.substr(0, 4)) == std::string::npos);
    return applied.outcome.problems[0].code;
  };
  CHECK(problem("\xF0\x9F\x98\x80 smile") == Code::apply_text_unfit);
  CHECK(problem(std::string(256, 'x')) == Code::apply_refused);
  RootWrite type = visit_type("v-1", "Home", "nobody");
  type.groups["life"] = cells({{"retired", "1; DROP TABLE role"}});
  const Applied applied = apply(*database, "number", {type});
  REQUIRE_FALSE(applied.outcome.problems.empty());
}

TEST_CASE("of many rows the one that the server refuses is named") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  RootWrite bad = person("p-2", "");
  bad.groups["birthdate"] = cells({{"birthdate", "yesterday"}});
  const Applied applied = apply(*database, "1", {person("p-1", ""), bad, person("p-3", "")});
  REQUIRE(applied.outcome.problems.size() == 1);
  CHECK(applied.outcome.problems[0].root == RootKey{"person", "p-2"});
}

TEST_CASE("a table that is not here is said to be unknown") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  const Applied applied = apply(*database, "1", {{{"clinic_stock", "s-1"}, {{"row", cells({})}}, false}});
  REQUIRE(applied.outcome.problems.size() == 1);
  CHECK(applied.outcome.problems[0].code == Code::mapping_unknown_table);
}
