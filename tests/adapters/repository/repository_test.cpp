// What only the repository has: it takes everything, keeps what is referred to, and a commit is one store transaction.
#include "adapters/repository/repository.h"

#include <algorithm>

#include "adapters/memory/clock.h"
#include "adapters/memory/store.h"
#include "adapters/memory/store_faulty.h"
#include "adapters/openmrs/shape.h"
#include "adapters/repository/tables.h"
#include "adapters/sqlite/store.h"
#include "protocol/cells.h"
#include "tests/support/catch.h"
#include "tests/support/result.h"
#include "tests/support/temporary_folder.h"

using namespace omrsync;
using namespace omrsync::test;
using ports::RootWrite;
using repository::Repository;
using std::chrono::milliseconds;

namespace {

RootKey root_of(const std::string& table, int number) {
  return {table, "00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + number)};
}

RootWrite write_of(const RootKey& root, std::map<GroupName, std::optional<GroupValue>> groups) {
  groups.emplace("life", encode_cells({{"voided", "0"}}));
  return {root, std::move(groups), false};
}

std::map<GroupName, GroupValue> groups_of(ports::OpenmrsDatabase& database, const RootKey& root) {
  std::map<GroupName, GroupValue> groups;
  const auto content = must(must(database.snapshot())->read(std::span(&root, 1))).front();
  if (content)
    for (const auto& [name, held] : content->groups) groups[name] = held.value;
  return groups;
}

std::string cell(ports::OpenmrsDatabase& database, const RootKey& root, const GroupName& group,
                 std::string_view column) {
  const auto groups = groups_of(database, root);
  const auto found = groups.find(group);
  return found == groups.end() ? "(none)" : std::string(find_cell(found->second, column).value_or("(null)"));
}

struct Shelf {
  memory::ManualClock clock;
  std::optional<ports::LogPosition> taken;

  Repository open(ports::Store& store) {
    static const auto model = std::make_shared<const openmrs::Model>(
        must(openmrs::compile_model(must(openmrs::parse_shape(openmrs::openmrs_shape())))));
    std::vector<openmrs::Excluded> never{{"users", "password", ""}, {"scheduler_*", "", ""}};
    const auto until = [this](ports::StoreTransaction&) -> Result<std::optional<ports::LogPosition>> { return taken; };
    return Repository(store, clock, {model, {7}, std::move(never), until});
  }
};

Result<ports::PutOutcome> apply(Repository& repository, const std::string& marker,
                                const std::vector<RootWrite>& writes) {
  OMRSYNC_TRY(unit, repository.begin());
  OMRSYNC_TRY(fresh, unit->mark(marker));
  REQUIRE(fresh);
  OMRSYNC_TRY(outcome, unit->put(writes));
  OMRSYNC_CHECK(unit->commit("payload"));
  return outcome;
}

struct OneRepository : Shelf {
  memory::MemoryStore store{repository::tables::kAll};
  Repository repository = open(store);
  int sets = 0;

  ports::PutOutcome put(const std::vector<RootWrite>& writes) {
    return must(apply(repository, "set " + std::to_string(++sets), writes));
  }
  std::vector<RootKey> kept_by(const RootKey& root) {
    std::vector<RootKey> others;
    for (const ports::PutNotice& notice : put({{root, {}, true}}).notices) {
      CHECK(notice.kind == ports::PutNotice::Kind::dangling_parent);
      CHECK(notice.root == root);
      others.push_back(notice.other);
    }
    return others;
  }
};

}  // namespace

TEST_CASE("tables and columns that nobody knows are kept as they came") {
  OneRepository one;
  const RootKey bed = root_of("bedmanagement_bed", 1), natural{"some_map", "a|b\\|c"};
  const GroupValue row = encode_cells({{"number", "12"}, {"odd", "\x01\xff"}});
  one.put({write_of(bed, {{"row", row}}), write_of(natural, {{"row", ""}}),
           write_of(root_of("person", 1), {{"gender", encode_cells({{"gender", "F"}, {"own_column", "x"}})}})});
  CHECK(groups_of(one.repository, bed).at("row") == row);
  CHECK(groups_of(one.repository, natural).contains("row"));
  CHECK(cell(one.repository, root_of("person", 1), "gender", "own_column") == "x");
  const auto tables = must(one.repository.tables());
  const auto place = [&](const std::string& name) {
    return std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.table == name; }) - tables.begin();
  };
  CHECK(place("person") < place("bedmanagement_bed"));
  CHECK(place("bedmanagement_bed") < static_cast<std::ptrdiff_t>(tables.size()));
  CHECK(must(one.repository.count("bedmanagement_bed")) == 1);
  const auto page = must(must(one.repository.snapshot())->page("some_map", "", 10));
  REQUIRE(page.roots.size() == 1);
  CHECK(page.roots[0].root == natural);
}

TEST_CASE("D18: what never travels is refused, and not handed on") {
  OneRepository one;
  const RootKey user = root_of("users", 1);
  one.put({write_of(user, {{"name", encode_cells({{"password", "secret"}, {"username", "nurse"}})}})});
  CHECK(groups_of(one.repository, user).at("name") == encode_cells({{"username", "nurse"}}));
  const std::vector<RootWrite> task{write_of(root_of("scheduler_task_config", 1), {})};
  const auto unit = must(one.repository.begin());
  const auto outcome = must(unit->put(task));
  REQUIRE(outcome.problems.size() == 1);
  CHECK(outcome.problems[0].code == Code::apply_refused);
  CHECK_FALSE(unit->commit("").has_value());
  CHECK(groups_of(one.repository, task[0].root).empty());
}

TEST_CASE("what is known of OpenMRS says which roots are metadata") {
  OneRepository one;
  for (const ports::RootTable& table : must(one.repository.tables())) {
    if (table.table == "location") CHECK(table.kind == ports::RootTable::Class::metadata);
    if (table.table == "obs") CHECK(table.kind == ports::RootTable::Class::clinical);
    if (table.table == "user_role") CHECK(table.kind == ports::RootTable::Class::link);
  }
}

TEST_CASE("a reference to what is not there is taken") {
  OneRepository one;
  const RootKey obs = root_of("obs", 1), person = root_of("person", 1);
  const auto outcome = one.put({write_of(obs, {{"obs", encode_cells({{"person_id", person.key}})}})});
  CHECK(outcome.problems.empty());
  CHECK(one.put({write_of(person, {})}).problems.empty());
  CHECK(one.kept_by(person) == std::vector<RootKey>{obs});
}

TEST_CASE("D30: a row of whatever table that names it keeps a root") {
  OneRepository one;
  const RootKey concept_root = root_of("concept", 1), name = root_of("concept_name", 2),
                module_row = root_of("module_table", 3);
  one.put({write_of(concept_root, {{"concept_name/" + name.key, encode_cells({{"name", "Malaria"}})},
                                   {"concept_name/" + name.key + "#life", encode_cells({{"voided", "0"}})}})});
  SECTION("by its own key") { one.put({write_of(module_row, {{"row", encode_cells({{"what", concept_root.key}})}})}); }
  SECTION("by a row that it owns") { one.put({write_of(module_row, {{"row", encode_cells({{"what", name.key}})}})}); }
  SECTION("by an owned row of another") {
    one.put({write_of(module_row, {{"module_owned/" + concept_root.key + "#life", ""}})});
  }
  CHECK(one.kept_by(concept_root) == std::vector<RootKey>{module_row});
  CHECK(cell(one.repository, concept_root, "life", "voided") == "1");
  one.put({{module_row, {}, true}});
  CHECK(one.kept_by(concept_root).empty());
  CHECK(groups_of(one.repository, concept_root).empty());
}

TEST_CASE("D30: names refer where OpenMRS says so, and in natural keys") {
  OneRepository one;
  const RootKey role{"role", "Nurse"}, link{"role_role", "Nurse|Clinician"};
  one.put({write_of(role, {}), write_of(link, {})});
  CHECK(one.kept_by(role) == std::vector<RootKey>{link});
  const RootKey privilege{"privilege", "Edit"}, type = root_of("encounter_type", 1);
  one.put({write_of(privilege, {}),
           write_of(type, {{"row", encode_cells({{"edit_privilege", "Edit"}, {"name", "Edit"}})}})});
  CHECK(one.kept_by(privilege) == std::vector<RootKey>{type});
  CHECK(one.put({write_of(type, {{"row", encode_cells({{"name", "Edit"}})}})}).problems.empty());
  CHECK(one.kept_by(privilege).empty());
}

TEST_CASE("D30: a user is never deleted; who wrote a row keeps nobody") {
  OneRepository one;
  const RootKey user = root_of("users", 1), person = root_of("person", 1);
  one.put({{user, {{"life", encode_cells({{"retired", "0"}})}}, false},
           write_of(person, {{"created", encode_cells({{"creator", user.key}})}})});
  CHECK(one.kept_by(user) == std::vector<RootKey>{user});
  CHECK(cell(one.repository, user, "life", "retired") == "1");
  CHECK(cell(one.repository, user, "life", "retire_reason").starts_with("purged elsewhere"));
  CHECK(one.kept_by(user) == std::vector<RootKey>{user});
}

TEST_CASE("rows that refer to one another go together") {
  OneRepository one;
  const RootKey visit = root_of("visit", 1), encounter = root_of("encounter", 1);
  one.put({write_of(visit, {{"subject", encode_cells({{"patient_id", encounter.key}})}}),
           write_of(encounter, {{"visit", encode_cells({{"visit_id", visit.key}})}})});
  CHECK(one.put({{encounter, {}, true}}).notices.size() == 1);
  one.put({write_of(visit, {{"subject", ""}}), {encounter, {}, true}});
  CHECK(groups_of(one.repository, encounter).empty());
  CHECK(one.kept_by(visit).empty());
}

TEST_CASE("the log is dropped behind what was taken, with the next commit") {
  OneRepository one;
  const auto early = one.repository.changes();
  must(early->open(std::nullopt));
  const auto start = early->read_through();
  for (int i = 1; i <= 3; ++i) one.put({write_of(root_of("person", i), {})});
  REQUIRE(must(early->next(milliseconds(0))).has_value());
  one.taken = early->read_through();
  one.put({});
  CHECK(must_fail(one.repository.changes()->open(start)).code == Code::capture_log_purged);
  const auto late = one.repository.changes();
  must(late->open(one.taken));
  int pieces = 0;
  while (must(late->next(milliseconds(0)))) ++pieces;
  CHECK(pieces == 3);
  auto beyond = late->read_through();
  ++beyond.offset;
  CHECK(must_fail(late->open(beyond)).code == Code::capture_position_foreign);
  CHECK(must_fail(late->open(ports::LogPosition{"binlog.000001", 1, {}})).code == Code::capture_position_foreign);
}

TEST_CASE("whichever operation of the store fails, all of a unit is there or nothing") {
  const std::vector<RootWrite> first{write_of(root_of("person", 1), {}), write_of(root_of("visit", 2), {})};
  std::size_t done = 0, refused = 0;
  for (std::uint64_t at = 1; done == 0; ++at) {
    Shelf shelf;
    memory::MemoryStore disk{repository::tables::kAll};
    memory::FaultyStore faulty(disk);
    Repository repository = shelf.open(faulty);
    must(apply(repository, "set 1", first));
    const std::vector<RootWrite> second{
        write_of(root_of("obs", 1), {{"obs", encode_cells({{"person_id", first[0].root.key}})}}),
        {first[1].root, {}, true}};
    memory::StoreFault fault;
    fault.in = at;
    faulty.plan(fault);
    const auto applied = apply(repository, "set 2", second);
    faulty.heal();

    const auto after = disk.clone();  // what a crash now leaves
    Repository again = shelf.open(*after);
    const bool there = !groups_of(again, second[0].root).empty();
    CHECK(there == applied.has_value());
    CHECK(groups_of(again, second[1].root).empty() == there);
    CHECK(must(again.markers()).size() == (there ? 2 : 1));
    CHECK(must(again.log_end()).offset == (there ? 2 : 1));
    CHECK(must(again.count("visit")) == (there ? 0 : 1));
    (there ? done : refused) += 1;
    if (!there) must(apply(repository, "set 2", second));
    CHECK_FALSE(groups_of(repository, second[0].root).empty());
  }
  CHECK(refused > 10);
}

TEST_CASE("a store on a disk has it all again") {
  TemporaryFolder folder;
  Shelf shelf;
  const auto file = folder / "node.db";
  const RootKey person = root_of("person", 1);
  ports::LogPosition start;
  {
    const auto store = must(sqlite::open_store(file, repository::tables::kAll));
    Repository repository = shelf.open(*store);
    start = must(repository.log_end());
    must(apply(repository, "set 1", {write_of(person, {{"gender", encode_cells({{"gender", "F"}})}})}));
    must(repository.sign("1 abc"));
    const auto unit = must(repository.begin());
    must(unit->mark("set 2"));
    const std::vector<RootWrite> lost{{person, {}, true}};
    must(unit->put(lost));
  }
  const auto store = must(sqlite::open_store(file, repository::tables::kAll));
  Repository repository = shelf.open(*store);
  CHECK(cell(repository, person, "gender", "gender") == "F");
  CHECK(must(repository.signature()) == "1 abc");
  CHECK(must(repository.markers()) == std::vector<std::string>{"set 1"});
  const auto changes = repository.changes();
  must(changes->open(start));
  const auto piece = must(changes->next(milliseconds(0)));
  REQUIRE(piece.has_value());
  CHECK(piece->marker_key == "set 1");
  REQUIRE(piece->roots.size() == 1);
  CHECK(piece->roots[0].root == person);
}
