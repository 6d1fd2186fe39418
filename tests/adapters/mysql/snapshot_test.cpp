#include <map>
#include <set>

#include "adapters/mysql/database.h"
#include "protocol/cells.h"
#include "tests/adapters/mysql/openmrs_database.h"
#include "tests/adapters/mysql/random_rows.h"
#include "tests/support/catch.h"

using namespace omrsync;

namespace {

using Contents = std::map<RootKey, ports::RootContent>;

Contents all_pages(ports::Snapshot& snapshot, const std::string& table, std::size_t limit) {
  Contents contents;
  std::string after;
  for (;;) {
    auto page = snapshot.page(table, after, limit);
    REQUIRE(page.has_value());
    CHECK(page->problems.empty());
    for (ports::LoadedRoot& root : page->roots) {
      INFO(root.root.table << " " << root.root.key);
      CHECK(contents.emplace(root.root, std::move(root.content)).second);
    }
    if (!page->next) return contents;
    after = *page->next;
  }
}

void check_equal(const ports::RootContent& a, const ports::RootContent& b) {
  CHECK(a.local_id == b.local_id);
  REQUIRE(a.groups.size() == b.groups.size());
  for (const auto& [name, group] : a.groups) {
    INFO(name);
    REQUIRE(b.groups.contains(name));
    CHECK(b.groups.at(name).value == group.value);
    CHECK(b.groups.at(name).hash == group.hash);
  }
}

std::string cell(const ports::RootContent& content, const GroupName& group, std::string_view column) {
  if (!content.groups.contains(group)) return "(no group)";
  return std::string(find_cell(content.groups.at(group).value, column).value_or("(none)"));
}

}  // namespace

TEST_CASE("every row of every table is in its pages once, and read by key it is the same") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  const auto connection = server.connect("clinic");
  tests::RandomRows(*connection, *database->model(), 7).fill(9);
  auto snapshot = database->snapshot();
  REQUIRE(snapshot.has_value());
  const auto tables = database->tables();
  REQUIRE(tables.has_value());
  for (const ports::RootTable& table : *tables) {
    INFO(table.table);
    const Contents paged = all_pages(**snapshot, table.table, 4);
    const auto rows = connection->value("SELECT COUNT(*) FROM " + mysql::quote_identifier(table.table));
    CHECK(std::to_string(paged.size()) == **rows);
    std::vector<RootKey> keys;
    for (const auto& [key, content] : paged) keys.push_back(key);
    const auto read = (*snapshot)->read(keys);
    REQUIRE(read.has_value());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      INFO(keys[i].key);
      REQUIRE((*read)[i].has_value());
      check_equal(*(*read)[i], paged.at(keys[i]));
      CHECK((*read)[i]->groups.contains(kLifeGroup));
    }
  }
}

TEST_CASE("a person is read whole, by uuid, with what it owns") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  server.server().sql(R"(
INSERT INTO person (person_id, gender, birthdate, date_created, uuid) VALUES (5, 'F', '1990-01-02', '2024-01-01 10:00:00', 'PERSON-5');
INSERT INTO users (user_id, system_id, creator, date_created, person_id, uuid) VALUES (3, 's', 3, '2024-01-01', 5, 'user-3');
UPDATE person SET creator = 3;
INSERT INTO person_name (person_id, given_name, family_name, creator, date_created, uuid) VALUES (5, 'Amina', 'O''Neil', 3, '2024-01-01', 'name-1');
INSERT INTO patient (patient_id, creator, date_created) VALUES (5, 3, '2024-01-01');
INSERT INTO location (location_id, name, creator, date_created, uuid) VALUES (4, 'Ward', 3, '2024-01-01', 'ward-4');
INSERT INTO person_attribute_type (person_attribute_type_id, name, format, creator, date_created, uuid) VALUES (2, 'Home', 'org.openmrs.Location', 3, '2024-01-01', 'type-2');
INSERT INTO person_attribute (person_id, value, person_attribute_type_id, creator, date_created, uuid) VALUES (5, '4', 2, 3, '2024-01-01', 'attr-1');
)",
                      "clinic");
  auto snapshot = database->snapshot();
  REQUIRE(snapshot.has_value());
  const std::vector<RootKey> keys{{"person", "person-5"}, {"person", "nobody"}, {"users", "user-3"}, {"nowhere", "x"}};
  const auto read = (*snapshot)->read(keys);
  REQUIRE(read.has_value());
  REQUIRE((*read)[0].has_value());
  const ports::RootContent& person = *(*read)[0];
  CHECK(person.local_id == 5);
  CHECK(cell(person, "gender", "gender") == "F");
  CHECK(cell(person, "birthdate", "birthdate") == "1990-01-02");
  CHECK(cell(person, "created", "creator") == "user-3");
  CHECK(cell(person, "life", "uuid") == "PERSON-5");
  CHECK(cell(person, "person_name/name-1", "family_name") == "O'Neil");
  CHECK(cell(person, "person_name/name-1#life", "voided") == "0");
  CHECK(cell(person, "patient", "allergy_status") == "Unknown");
  CHECK(cell(person, "person_attribute/attr-1", "value@location") == "ward-4");
  CHECK_FALSE((*read)[1].has_value());
  REQUIRE((*read)[2].has_value());
  CHECK(cell(*(*read)[2], "person", "person_id") == "person-5");
  CHECK_FALSE((*read)[3].has_value());
}

TEST_CASE("a snapshot shows one moment and knows its place in the log") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  server.server().sql("INSERT INTO privilege VALUES ('Edit', 'old', 'p-1')", "clinic");
  auto before = database->snapshot();
  REQUIRE(before.has_value());
  server.server().sql("UPDATE privilege SET description = 'new'", "clinic");
  auto after = database->snapshot();
  REQUIRE(after.has_value());
  const std::vector<RootKey> keys{{"privilege", "edit"}};
  CHECK(cell(**(*before)->read(keys)->begin(), "row", "description") == "old");
  CHECK(cell(**(*after)->read(keys)->begin(), "row", "description") == "new");
  CHECK((*before)->position() < (*after)->position());
  const auto end = database->log_end();
  REQUIRE(end.has_value());
  CHECK_FALSE(*end < (*after)->position());
}

TEST_CASE("rows without a usable uuid are set aside and the rest goes on") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  server.server().sql(R"(SET foreign_key_checks = 0;
INSERT INTO allergy (allergy_id, patient_id, coded_allergen, allergen_type, creator, date_created, uuid) VALUES
 (1, 1, 1, 'DRUG', 1, '2024-01-01', 'good'), (2, 1, 1, 'DRUG', 1, '2024-01-01', NULL), (3, 1, 1, 'DRUG', 1, '2024-01-01', 'GOOD'),
 (4, 1, 1, 'DRUG', 1, '2024-01-01', 'café'), (5, 1, 1, 'DRUG', 1, '2024-01-01', 'fine');
INSERT INTO allergy_reaction (allergy_reaction_id, allergy_id, reaction_concept_id, uuid) VALUES (9, 5, 1, NULL);)",
                      "clinic");
  auto snapshot = database->snapshot();
  REQUIRE(snapshot.has_value());
  std::set<std::string> keys;
  std::set<std::pair<std::string, std::uint64_t>> problems;
  std::string after;
  for (bool more = true; more;) {
    const auto page = (*snapshot)->page("allergy", after, 2);
    REQUIRE(page.has_value());
    for (const auto& root : page->roots) keys.insert(root.root.key);
    for (const auto& problem : page->problems) problems.emplace(problem.table, problem.local_id);
    more = page->next.has_value();
    if (more) after = *page->next;
  }
  CHECK(keys == std::set<std::string>{"good", "fine"});
  CHECK(problems == std::set<std::pair<std::string, std::uint64_t>>{
                        {"allergy", 2}, {"allergy", 3}, {"allergy", 4}, {"allergy_reaction", 9}});
}

TEST_CASE("a column that appears or goes makes the next snapshot read the schema again") {
  tests::OpenmrsServer server;
  const auto database = server.open("altered");
  server.server().sql(
      "INSERT INTO privilege VALUES ('Edit', 'old', 'p-1'); ALTER TABLE privilege DROP COLUMN description", "altered");
  auto stale = database->snapshot();
  REQUIRE(stale.has_value());
  const auto failed = (*stale)->page("privilege", "", 10);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == Code::capture_schema_changed);
  CHECK(failed.error().remedy == Remedy::retry_later);
  auto fresh = database->snapshot();
  REQUIRE(fresh.has_value());
  const auto page = (*fresh)->page("privilege", "", 10);
  REQUIRE(page.has_value());
  CHECK(page->roots.size() == 1);
}

TEST_CASE("an alias answers to both of its names") {
  tests::OpenmrsServer server;
  const auto database = server.open("clinic");
  server.server().sql(R"(SET foreign_key_checks = 0;
INSERT INTO visit_type (visit_type_id, name, creator, date_created, uuid) VALUES (1, 'Facility', 1, '2024-01-01', 'LOCAL-1');
INSERT INTO omrsync_clinic.alias VALUES ('visit_type', 'foreign-1', 'local-1');)",
                      "clinic");
  REQUIRE(database->refresh().has_value());
  auto snapshot = database->snapshot();
  REQUIRE(snapshot.has_value());
  const std::vector<RootKey> keys{{"visit_type", "foreign-1"}, {"visit_type", "local-1"}};
  const auto read = (*snapshot)->read(keys);
  REQUIRE(read.has_value());
  REQUIRE((*read)[0].has_value());
  REQUIRE((*read)[1].has_value());
  CHECK(cell(*(*read)[0], "row", "name") == "Facility");
  CHECK(cell(*(*read)[0], "life", "uuid") == "(none)");
  CHECK(cell(*(*read)[1], "life", "uuid") == "LOCAL-1");
  CHECK((*read)[0]->groups.at("life").hash == (*read)[1]->groups.at("life").hash);
}
