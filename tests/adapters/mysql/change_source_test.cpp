#include "adapters/mysql/change_source.h"

#include <algorithm>
#include <map>
#include <set>

#include "adapters/mysql/database.h"
#include "protocol/cells.h"
#include "tests/adapters/mysql/openmrs_database.h"
#include "tests/adapters/mysql/random_rows.h"
#include "tests/support/catch.h"

using namespace omrsync;
using ports::GroupChange;
using ports::LogPiece;
using ports::RootChange;
using ports::RootContent;
using std::chrono::milliseconds;

namespace {

using Contents = std::map<RootKey, RootContent>;

Contents everything(mysql::MysqlDatabase& database) {
  Contents all;
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

/// Everything up to the log's end at the time of the call.
std::vector<LogPiece> drain(mysql::MysqlDatabase& database, ports::ChangeSource& source) {
  std::vector<LogPiece> pieces;
  const auto end = database.log_end();
  REQUIRE(end.has_value());
  while (source.read_through() < *end) {
    auto piece = source.next(milliseconds(2000));
    if (!piece) FAIL(piece.error().message);
    if (*piece) pieces.push_back(std::move(**piece));
  }
  return pieces;
}

/// Plays a change onto what was known; what the log shows must fit what stood there.
void play(const RootChange& change, Contents& known) {
  INFO(change.root.table << " " << change.root.key);
  if (change.kind == RootChange::Kind::created) CHECK_FALSE(known.contains(change.root));
  if (change.kind != RootChange::Kind::created) REQUIRE(known.contains(change.root));
  RootContent& content = known[change.root];
  if (change.local_id != 0) content.local_id = change.local_id;
  for (const GroupChange& group : change.groups) {
    INFO(group.group);
    const auto stood = content.groups.find(group.group);
    CHECK(group.before.has_value() == (stood != content.groups.end()));
    if (group.before && stood != content.groups.end()) {
      CHECK(*group.before == stood->second.hash);
      REQUIRE(group.before_value.has_value());
      if (!stood->second.value.empty()) CHECK(*group.before_value == stood->second.value);
    }
    if (!group.after) {
      content.groups.erase(group.group);
      continue;
    }
    content.groups[group.group] = {group.after_value.value_or(""), *group.after};
  }
  if (change.kind == RootChange::Kind::purged) {
    CHECK(content.groups.empty());
    known.erase(change.root);
  }
}

void check_same(const Contents& known, const Contents& there) {
  CHECK(known.size() == there.size());
  for (const auto& [root, content] : there) {
    INFO(root.table << " " << root.key);
    REQUIRE(known.contains(root));
    const RootContent& seen = known.at(root);
    CHECK(seen.groups.size() == content.groups.size());
    CHECK(seen.local_id == content.local_id);
    for (const auto& [name, group] : content.groups) {
      INFO(name);
      REQUIRE(seen.groups.contains(name));
      CHECK(seen.groups.at(name).hash == group.hash);
      if (!seen.groups.at(name).value.empty()) CHECK(seen.groups.at(name).value == group.value);
    }
  }
}

struct Fixture {
  explicit Fixture(const std::string& name) : database(server.open(name)), sql(server.connect(name)) {}

  std::unique_ptr<ports::ChangeSource> changes() {
    auto source = database->changes();
    const Status opened = source->open(std::nullopt);
    if (!opened) FAIL(opened.error().message);
    return source;
  }
  void run(const std::string& statement) {
    const auto done = sql->execute(statement);
    if (!done) FAIL(done.error().message + ": " + statement);
  }

  tests::OpenmrsServer server;
  std::unique_ptr<mysql::MysqlDatabase> database;
  std::unique_ptr<mysql::Connection> sql;
};

std::string role(int number, const std::string& description) {
  const std::string name = "role " + std::to_string(number);
  return "('" + name + "', '" + description + "', 'r-" + std::to_string(number) + "')";
}

}  // namespace

TEST_CASE("what the log tells of every table leads to what the database shows") {
  Fixture f("clinic");
  const auto model = f.database->model();
  tests::RandomRows random(*f.sql, *model, 21);
  random.fill(6);
  Contents known = everything(*f.database);
  const auto source = f.changes();
  for (const std::string& table : model->tables) {
    const bool keyed = !model->schema.at(table).primary_key.empty();
    if (keyed) random.update_one(table);
    (void)random.insert_one(table);
    REQUIRE(f.sql->begin().has_value());
    if (keyed) random.update_one(table);
    if (keyed && table != "users") (void)random.delete_one(table);
    if (keyed) random.update_one(table);
    REQUIRE(f.sql->commit().has_value());
  }
  for (const LogPiece& piece : drain(*f.database, *source)) {
    CHECK(piece.unlogged_tables.empty());
    for (const RootChange& change : piece.roots) play(change, known);
  }
  check_same(known, everything(*f.database));
}

TEST_CASE("rows made before the source looked are told of as they are filled") {
  Fixture f("clinic");
  const auto source = f.changes();
  const auto model = f.database->model();
  tests::RandomRows random(*f.sql, *model, 22);
  random.fill(4);
  Contents known;
  for (const LogPiece& piece : drain(*f.database, *source))
    for (const RootChange& change : piece.roots) play(change, known);
  check_same(known, everything(*f.database));
}

TEST_CASE("a root that was made and deleted within a transaction does not stand in it") {
  Fixture f("clinic");
  const auto source = f.changes();
  REQUIRE(f.sql->begin().has_value());
  f.run("INSERT INTO role VALUES " + role(1, "a"));
  f.run("INSERT INTO role VALUES " + role(2, "a"));
  f.run("DELETE FROM role WHERE role = 'role 1'");
  REQUIRE(f.sql->commit().has_value());
  const auto pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  REQUIRE(pieces[0].roots.size() == 1);
  CHECK(pieces[0].roots[0].root.key == "role 2");
  CHECK(pieces[0].roots[0].kind == RootChange::Kind::created);
}

TEST_CASE("an update that changes nothing that travels says nothing") {
  Fixture f("clinic");
  f.run("INSERT INTO person (person_id, date_created, uuid) VALUES (1, '2024-01-01', 'p')");
  f.run(
      "INSERT INTO users (user_id, system_id, creator, date_created, person_id, uuid) VALUES (1, 's', 1, '2024-01-01', "
      "1, 'u')");
  const auto source = f.changes();
  f.run("UPDATE users SET password = 'x', salt = 'y'");
  f.run("UPDATE users SET retired = 1");
  const auto pieces = drain(*f.database, *source);
  std::size_t roots = 0;
  for (const LogPiece& piece : pieces) roots += piece.roots.size();
  CHECK(roots == 1);
}

TEST_CASE("the author is who the row names") {
  Fixture f("clinic");
  f.run("INSERT INTO person (person_id, date_created, uuid) VALUES (1, '2024-01-01', 'p')");
  f.run(
      "INSERT INTO users (user_id, system_id, creator, date_created, person_id, uuid) VALUES (7, 's', 7, '2024-01-01', "
      "1, 'USER-7')");
  const auto source = f.changes();
  f.run("UPDATE person SET gender = 'F', changed_by = 7");
  const auto pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0].author == "user-7");
  CHECK(pieces[0].committed_at.count() > 1'500'000'000'000);
}

TEST_CASE("our own transaction carries its marker and is never cut") {
  Fixture f("clinic");
  const auto source = f.changes();
  auto unit = f.database->begin();
  REQUIRE((*unit)->mark("set-9").has_value());
  std::vector<ports::RootWrite> writes;
  for (int i = 0; i < 1200; ++i) {
    const std::string name = "role " + std::to_string(i);
    writes.push_back(
        {{"role", name}, {{"life", ""}, {"row", encode_cells({{"uuid", "r-" + std::to_string(i)}})}}, false});
  }
  const auto put = (*unit)->put(writes);
  REQUIRE(put.has_value());
  REQUIRE((*unit)->commit("the plan").has_value());
  const auto pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0].marker_key == "set-9");
  CHECK(pieces[0].marker_payload == "the plan");
  REQUIRE(pieces[0].roots.size() == 1200);
  std::map<RootKey, std::map<GroupName, std::uint64_t>> expected;
  for (std::size_t i = 0; i < writes.size(); ++i) expected[writes[i].root] = put->hashes[i];
  for (const RootChange& change : pieces[0].roots)
    for (const GroupChange& group : change.groups) CHECK(group.after == expected[change.root][group.group]);
}

TEST_CASE("a long transaction comes in pieces, and reading goes on after the last one taken") {
  Fixture f("clinic");
  const auto source = f.changes();
  std::string rows;
  for (int i = 0; i < 1700; ++i) rows += (i == 0 ? "" : ", ") + role(i, "first");
  f.run("INSERT INTO role VALUES " + rows);
  std::vector<LogPiece> pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 4);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    CHECK(pieces[i].ends_transaction == (i == 3));
    CHECK(pieces[i].roots.size() <= 500);
    if (i > 0) CHECK(pieces[i - 1].position < pieces[i].position);
  }
  for (std::size_t stop = 0; stop < pieces.size(); ++stop) {
    const auto again = f.database->changes();
    REQUIRE(again->open(pieces[stop].position).has_value());
    const auto rest = drain(*f.database, *again);
    REQUIRE(rest.size() == pieces.size() - stop - 1);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      CHECK(rest[i].position == pieces[stop + 1 + i].position);
      REQUIRE(rest[i].roots.size() == pieces[stop + 1 + i].roots.size());
      CHECK(rest[i].roots.front().root == pieces[stop + 1 + i].roots.front().root);
    }
  }
}

TEST_CASE("a column that appears is known from its statement on") {
  Fixture f("altered");
  f.run("INSERT INTO role VALUES " + role(1, "a"));
  Contents known = everything(*f.database);
  const auto source = f.changes();
  f.run("UPDATE role SET description = 'before'");
  f.run("ALTER TABLE role ADD COLUMN shade VARCHAR(20)");
  f.run("UPDATE role SET description = 'after', shade = 'blue'");
  std::set<std::string> unlogged;
  for (const LogPiece& piece : drain(*f.database, *source)) {
    unlogged.insert(piece.unlogged_tables.begin(), piece.unlogged_tables.end());
    for (const RootChange& change : piece.roots) play(change, known);
  }
  CHECK(unlogged == std::set<std::string>{"role"});
  const Contents there = everything(*f.database);
  check_same(known, there);
  CHECK(find_cell(there.at({"role", "role 1"}).groups.at("row").value, "shade") == "blue");
}

TEST_CASE("a column that appeared while nobody read the log is known where reading begins") {
  Fixture f("altered_unseen");
  f.run("INSERT INTO role VALUES " + role(1, "a"));
  Contents known = everything(*f.database);
  f.run("ALTER TABLE role ADD COLUMN shade VARCHAR(20)");
  const auto source = f.changes();
  f.run("UPDATE role SET shade = 'blue'");
  for (const LogPiece& piece : drain(*f.database, *source))
    for (const RootChange& change : piece.roots) play(change, known);
  CHECK(find_cell(known.at({"role", "role 1"}).groups.at("row").value, "shade") == "blue");
}

TEST_CASE("what the log does not show row by row is said of the table") {
  Fixture f("clinic");
  const auto source = f.changes();
  f.run("INSERT INTO role VALUES " + role(1, "a"));
  f.run("SET SESSION binlog_format = 'STATEMENT'");
  f.run("UPDATE role SET description = 'unseen'");
  f.run("SET SESSION binlog_format = 'ROW'");
  std::set<std::string> unlogged;
  for (const LogPiece& piece : drain(*f.database, *source))
    unlogged.insert(piece.unlogged_tables.begin(), piece.unlogged_tables.end());
  CHECK(unlogged == std::set<std::string>{"role"});
}

TEST_CASE("tables that are dropped or emptied begin another life of the database; what was written before is shown") {
  const std::string end = GENERATE("DROP TABLE van", "TRUNCATE TABLE van");
  Fixture f("clinic");
  f.run("CREATE TABLE IF NOT EXISTS van (van_id INT AUTO_INCREMENT PRIMARY KEY, uuid CHAR(38) NOT NULL UNIQUE)");
  REQUIRE(f.database->refresh().has_value());
  const auto source = f.changes();
  f.run("INSERT INTO role VALUES " + role(1, "a"));
  f.run(end);
  const auto piece = source->next(milliseconds(2000));
  REQUIRE(piece.has_value());
  REQUIRE(piece->has_value());
  CHECK((*piece)->roots.front().root.table == "role");
  const auto over = source->next(milliseconds(2000));
  REQUIRE_FALSE(over.has_value());
  CHECK(over.error().code == Code::capture_position_foreign);
  CHECK(source->open((*piece)->position).has_value());  // and it says so again
  CHECK(source->next(milliseconds(2000)).error().code == Code::capture_position_foreign);
}

TEST_CASE("a place of the log where another transaction stands is foreign") {
  Fixture f("clinic");
  const auto source = f.changes();
  f.run("INSERT INTO role VALUES " + role(1, "a"));
  const std::vector<LogPiece> pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  ports::LogPosition position = pieces[0].position;
  REQUIRE_FALSE(position.fingerprint.empty());
  CHECK(source->open(position).has_value());
  position.fingerprint.back() = position.fingerprint.back() == '0' ? '1' : '0';
  const auto other = source->open(position);
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().code == Code::capture_position_foreign);
}

TEST_CASE("users that go with a deleted user are not in the log, so their table is compared") {
  Fixture f("clinic");
  f.run("INSERT INTO person (person_id, date_created, uuid) VALUES (1, '2024-01-01', 'p')");
  f.run(
      "INSERT INTO users (user_id, system_id, creator, date_created, person_id, uuid) VALUES"
      " (1, 's', 1, '2024-01-01', 1, 'u-1'), (2, 't', 1, '2024-01-01', 1, 'u-2')");
  f.run(
      "INSERT INTO users (user_id, system_id, creator, date_created, person_id, uuid, changed_by) VALUES"
      " (3, 'v', 1, '2024-01-01', 1, 'u-3', 2)");
  const auto source = f.changes();
  f.run("DELETE FROM users WHERE user_id = 2");
  CHECK(*f.sql->value("SELECT COUNT(*) FROM users") == "1");
  std::vector<LogPiece> pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0].unlogged_tables == std::vector<std::string>{"users"});
}

TEST_CASE("a row that stands for another node's changes under both names") {
  Fixture f("clinic");
  f.run("SET foreign_key_checks = 0");
  f.run(
      "INSERT INTO visit_type (visit_type_id, name, creator, date_created, uuid) VALUES (1, 'Home', 1, '2024-01-01', "
      "'OURS')");
  f.run("INSERT INTO omrsync_clinic.alias VALUES ('visit_type', 'theirs', 'ours')");
  REQUIRE(f.database->refresh().has_value());
  const auto source = f.changes();
  f.run("UPDATE visit_type SET name = 'Ward', retired = 1");
  const auto pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  std::set<std::string> names;
  for (const RootChange& change : pieces[0].roots) {
    names.insert(change.root.key);
    for (const GroupChange& group : change.groups)
      if (group.group == kLifeGroup)
        CHECK(find_cell(*group.before_value, "uuid").has_value() == (change.root.key == "ours"));
  }
  CHECK(names == std::set<std::string>{"ours", "theirs"});
}

TEST_CASE("an owned row marks the roots that it left and came to") {
  Fixture f("clinic");
  f.run("SET foreign_key_checks = 0");
  f.run("INSERT INTO person (person_id, date_created, uuid) VALUES (1, '2024-01-01', 'p-1'), (2, '2024-01-01', 'p-2')");
  f.run(
      "INSERT INTO person_name (person_id, given_name, creator, date_created, uuid) VALUES (1, 'A', 1, '2024-01-01', "
      "'n-1')");
  Contents known = everything(*f.database);
  const auto source = f.changes();
  f.run("UPDATE person_name SET person_id = 2");
  std::set<RootKey> touched;
  for (const LogPiece& piece : drain(*f.database, *source))
    for (const RootChange& change : piece.roots) {
      touched.insert(change.root);
      play(change, known);
    }
  CHECK(touched == std::set<RootKey>{{"person", "p-1"}, {"person", "p-2"}});
  check_same(known, everything(*f.database));
}

TEST_CASE("owned rows of a root that is deleted later in the same transaction leave no trace of their own") {
  Fixture f("clinic");
  f.run("SET foreign_key_checks = 0");
  f.run("INSERT INTO person (person_id, date_created, uuid) VALUES (1, '2024-01-01', 'p-1')");
  f.run(
      "INSERT INTO person_name (person_id, given_name, creator, date_created, uuid) VALUES (1, 'A', 1, '2024-01-01', "
      "'n-1')");
  Contents known = everything(*f.database);
  const auto source = f.changes();
  REQUIRE(f.sql->begin().has_value());
  f.run("DELETE FROM person_name");
  f.run("DELETE FROM person");
  REQUIRE(f.sql->commit().has_value());
  const auto pieces = drain(*f.database, *source);
  REQUIRE(pieces.size() == 1);
  REQUIRE(pieces[0].roots.size() == 1);
  CHECK(pieces[0].roots[0].kind == RootChange::Kind::purged);
  play(pieces[0].roots[0], known);
  CHECK(known.empty());
}
