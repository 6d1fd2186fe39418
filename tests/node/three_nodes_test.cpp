#include "tests/node/few_nodes.h"

using namespace omrsync;
using namespace omrsync::node;

TEST_CASE("a change in one clinic reaches the centre and another clinic") {
  Country country;
  country.start();
  country.settle(20);
  memory::Clinician nurse(country.a.openmrs, "user-1");
  const RootKey person{"person", "p1"};
  REQUIRE(nurse.write_now(person, {{"gender", cells({{"gender", "F"}})}}));
  country.settle();
  REQUIRE_FALSE(rows_of(country.p.openmrs, person).empty());
  REQUIRE_FALSE(rows_of(country.b.openmrs, person).empty());
  require_equal(country);

  REQUIRE(nurse.write_now(person, {{"gender", cells({{"gender", "M"}})}}));
  country.settle();
  require_equal(country);
  REQUIRE(find_cell(rows_of(country.b.openmrs, person)["gender"], "gender") == "M");
}
