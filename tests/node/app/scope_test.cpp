#include "adapters/openmrs/model.h"
#include "node/app/openmrs_parts.h"
#include "tests/support/catch.h"
#include "tests/support/openmrs_shape.h"

namespace omrsync::app {

TEST_CASE("a table that the site excludes neither leaves nor enters, and says why") {
  Config config;
  config.excluded_tables = {"relationship", "hl7_in_queue"};
  const auto model = openmrs::compile_model(tests::openmrs_schema(), site_declarations(config));
  REQUIRE(model);
  CHECK(model->part_of("relationship") == nullptr);
  REQUIRE(model->exclusion("relationship") != nullptr);
  CHECK_FALSE(model->exclusion("relationship")->reason.empty());
  CHECK(model->part_of("person") != nullptr);
}

TEST_CASE("without excluded tables the site declares nothing") { CHECK(site_declarations(Config{}).empty()); }

}  // namespace omrsync::app
