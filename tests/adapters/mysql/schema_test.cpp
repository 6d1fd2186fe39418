#include "adapters/mysql/schema.h"

#include <set>

#include "tests/adapters/mysql/openmrs_database.h"
#include "tests/support/catch.h"
#include "tests/support/openmrs_shape.h"

using namespace omrsync;

TEST_CASE("the schema read from a live database is the one that made it") {
  tests::OpenmrsServer server;
  server.create("clinic");
  const auto connection = server.connect("clinic");
  const Result<openmrs::Schema> live = mysql::read_schema(*connection, "clinic");
  REQUIRE(live.has_value());
  const openmrs::Schema shape = tests::openmrs_schema();
  REQUIRE(live->size() == shape.size());
  for (const auto& [name, expected] : shape) {
    INFO(name);
    REQUIRE(live->contains(name));
    const openmrs::Table& table = live->at(name);
    CHECK(table.primary_key == expected.primary_key);
    CHECK(table.has_uuid == expected.has_uuid);
    CHECK(std::set(table.unique_keys.begin(), table.unique_keys.end()) ==
          std::set(expected.unique_keys.begin(), expected.unique_keys.end()));
    REQUIRE(table.columns.size() == expected.columns.size());
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      INFO(expected.columns[i].name);
      CHECK(table.columns[i].name == expected.columns[i].name);
      CHECK(table.columns[i].type == expected.columns[i].type);
      CHECK(table.columns[i].nullable == expected.columns[i].nullable);
      CHECK(table.columns[i].auto_increment == expected.columns[i].auto_increment);
      CHECK(table.columns[i].references == expected.columns[i].references);
      CHECK(table.columns[i].references_column == expected.columns[i].references_column);
      CHECK(table.columns[i].cascades_delete == expected.columns[i].cascades_delete);
    }
  }
  CHECK(live->at("users").find("changed_by")->cascades_delete);
  CHECK(live->at("obs").find("status")->default_text == "FINAL");
}

TEST_CASE("a schema that is not there says so") {
  tests::OpenmrsServer server;
  const auto connection = server.connect("");
  const Result<openmrs::Schema> none = mysql::read_schema(*connection, "nowhere");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Code::db_privilege_missing);
}

TEST_CASE("the epoch of a table changes with its shape and only with it") {
  tests::OpenmrsServer server;
  server.create("altered");
  const auto connection = server.connect("altered");
  const auto epoch = [&](const char* table) {
    const Result<openmrs::Schema> schema = mysql::read_schema(*connection, "altered");
    REQUIRE(schema.has_value());
    return schema->at(table).epoch;
  };
  const std::uint64_t person = epoch("person");
  const std::uint64_t visit = epoch("visit");
  REQUIRE(connection->execute("ALTER TABLE visit ADD COLUMN ward VARCHAR(20)").has_value());
  CHECK(epoch("person") == person);
  CHECK(epoch("visit") != visit);
}
