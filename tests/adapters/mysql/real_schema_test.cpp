// Runs only where OMRSYNC_OPENMRS_SCHEMA names a folder with schema-*.sql of OpenMRS; what it asks of them, model_test
// and unit_of_work_test ask of tests/support/openmrs-2.7.shape everywhere.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "adapters/mysql/schema.h"
#include "tests/adapters/mysql/openmrs_database.h"
#include "tests/adapters/mysql/random_rows.h"
#include "tests/support/catch.h"

using namespace omrsync;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> schemas() {
  const char* folder = std::getenv("OMRSYNC_OPENMRS_SCHEMA");
  std::vector<fs::path> files;
  if (folder != nullptr)
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().filename().string().starts_with("schema-")) files.push_back(entry.path());
  if (files.empty()) WARN("OMRSYNC_OPENMRS_SCHEMA names no folder with real schemas");
  std::sort(files.begin(), files.end());
  return files;
}

std::unique_ptr<mysql::MysqlDatabase> load(tests::OpenmrsServer& server, const std::string& name,
                                           const fs::path& file) {
  server.server().sql("CREATE DATABASE `" + name + "` DEFAULT CHARACTER SET utf8mb4");
  server.server().load(file, name);
  const fs::path addon = file.parent_path() / ("addon-" + file.filename().string().substr(7));
  if (fs::exists(addon)) server.server().load(addon, name);
  const auto admin = server.connect("");
  REQUIRE(mysql::create_marker_schema(*admin, "omrsync_" + name).has_value());
  return server.open_again(name);
}

std::map<RootKey, ports::RootContent> everything(mysql::MysqlDatabase& database) {
  std::map<RootKey, ports::RootContent> all;
  auto snapshot = database.snapshot();
  REQUIRE(snapshot.has_value());
  const auto tables = database.tables();
  REQUIRE(tables.has_value());
  for (const ports::RootTable& table : *tables) {
    std::string after;
    for (bool more = true; more;) {
      auto page = (*snapshot)->page(table.table, after, 200);
      INFO(table.table);
      REQUIRE(page.has_value());
      for (ports::LoadedRoot& root : page->roots) all.emplace(root.root, std::move(root.content));
      more = page->next.has_value();
      if (more) after = *page->next;
    }
  }
  return all;
}

}  // namespace

TEST_CASE("each column of a real schema is in exactly one group, or identity, or excluded") {
  for (const fs::path& file : schemas()) {
    INFO(file);
    tests::OpenmrsServer server;
    const auto database = load(server, "groups_" + file.stem().string(), file);
    const auto model = database->model();
    std::size_t columns = 0;
    for (const auto& [name, table] : model->schema) {
      const openmrs::TablePart* part = model->part_of(name);
      if (part == nullptr) {
        INFO(name);
        CHECK(model->exclusion(name) != nullptr);
        continue;
      }
      for (const openmrs::Column& column : table.columns) {
        INFO(name << "." << column.name);
        std::ptrdiff_t places = 0;
        for (const openmrs::ColumnGroup& group : part->groups)
          places += std::count(group.columns.begin(), group.columns.end(), column.name);
        const bool stays = is_identity(table, *part, column) || model->exclusion(name, column.name) != nullptr;
        CHECK(places == (stays ? 0 : 1));
        CHECK(column.type != openmrs::ColumnType::other);
        ++columns;
      }
    }
    CHECK(columns > 700);
  }
}

TEST_CASE("what one real database holds another of its version can be made to hold") {
  for (const fs::path& file : schemas()) {
    if (file.stem() == "schema-1.9") continue;  // a starting point that no site runs: most uuids are missing
    INFO(file);
    tests::OpenmrsServer server;
    const auto source = load(server, "source_" + file.stem().string(), file);
    const auto target = load(server, "target_" + file.stem().string(), file);
    const auto sql = server.connect("source_" + file.stem().string());
    tests::RandomRows(*sql, *source->model(), 31).fill(4);
    const auto there = everything(*source);
    std::vector<ports::RootWrite> writes;
    for (const auto& [root, content] : there) {
      writes.push_back({root, {}, false});
      for (const auto& [name, group] : content.groups) writes.back().groups.emplace(name, group.value);
    }
    auto unit = target->begin();
    REQUIRE((*unit)->mark("all").has_value());
    const auto outcome = (*unit)->put(writes);
    REQUIRE(outcome.has_value());
    for (const ports::PutProblem& problem : outcome->problems)
      UNSCOPED_INFO(problem.root.table << " " << problem.root.key << " " << problem.reason);
    REQUIRE(outcome->problems.empty());
    REQUIRE((*unit)->commit("plan").has_value());
    const auto here = everything(*target);
    // Some rows of the schema's own get a random uuid when it is loaded, so the target has its own of those besides.
    CHECK(here.size() >= there.size());
    for (const auto& [root, content] : there) {
      INFO(root.table << " " << root.key);
      REQUIRE(here.contains(root));
      for (const auto& [name, group] : content.groups) {
        INFO(name);
        REQUIRE(here.at(root).groups.contains(name));
        CHECK(here.at(root).groups.at(name).value == group.value);
      }
    }
  }
}
