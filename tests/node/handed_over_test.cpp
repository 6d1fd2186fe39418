#include "tests/node/few_nodes.h"

using namespace omrsync;
using namespace omrsync::node;

TEST_CASE("what apply has read of a set is not taken for another set under its number") {
  Country country;
  country.start();
  country.settle(20);
  const auto drive = [](TestNode& node, std::string_view name, int times) {
    for (int i = 0; i < times; ++i)
      for (Worker* worker : node.engine->workers())
        if (worker->name() == name) (void)worker->step({});
  };
  memory::Clinician nurse(country.a.openmrs, "user-1");
  REQUIRE(nurse.write_now({"person", "p1"}, {{"gender", cells({{"gender", "F"}})}}));
  drive(country.a, "capture", 3);
  drive(country.a, "push", 8);
  drive(country.p, "apply", 2);
  const auto handed_over = [&] { return country.p.engine->shared().applied.with([](auto& a) { return a.size(); }); };
  REQUIRE(handed_over() == 1);
  {  // the child began a new life before capture met the transaction: its numbers begin anew
    auto tx = country.p.disk.write();
    REQUIRE((*tx)->erase(tables::kInbox, "", ""));
    REQUIRE((*tx)->commit());
  }
  drive(country.p, "capture", 3);
  CHECK(handed_over() == 0);
}
