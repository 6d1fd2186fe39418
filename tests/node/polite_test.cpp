#include "tests/node/few_nodes.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

Pace drive(TestNode& node, std::string_view name, int times = 1) {
  Pace pace;
  for (int i = 0; i < times; ++i)
    for (Worker* worker : node.engine->workers())
      if (worker->name() == name) pace = worker->step({});
  return pace;
}

/// A change at the clinic, as far as the centre's inbox.
void send(Country& country, const char* key) {
  memory::Clinician nurse(country.a.openmrs, "user-1");
  REQUIRE(nurse.write_now({"person", key}, {{"gender", cells({{"gender", "F"}})}}));
  drive(country.a, "capture", 3);
  drive(country.a, "push", 8);
}

}  // namespace

TEST_CASE("while somebody writes at the centre, apply takes turns with capture and rests longer than it works") {
  Country country;
  country.start();
  country.settle(20);
  country.p.openmrs.before_call = [&](memory::TwinCall call) {
    if (call == memory::TwinCall::commit) country.p.clock.advance(milliseconds(20));
  };
  send(country, "p1");
  CHECK(drive(country.p, "apply").pause == milliseconds(0));
  drive(country.p, "capture", 3);

  memory::Clinician clerk(country.p.openmrs, "user-2");
  REQUIRE(clerk.write_now({"person", "q1"}, {{"gender", cells({{"gender", "M"}})}}));
  CHECK(drive(country.p, "capture").bell == &country.p.engine->shared().wanted);
  send(country, "p2");
  send(country, "p3");
  drive(country.p, "apply");
  REQUIRE(country.p.openmrs.find({"person", "p3"}) != nullptr);  // both in one transaction
  send(country, "p4");
  (void)drive(country.p, "apply");
  CHECK(country.p.openmrs.find({"person", "p4"}) == nullptr);  // capture has not landed the last one yet
  drive(country.p, "capture", 3);
  CHECK(drive(country.p, "apply").pause >= milliseconds(200));
  CHECK(country.p.openmrs.find({"person", "p4"}) != nullptr);

  country.p.openmrs.before_call = nullptr;
  country.p.clock.advance(std::chrono::minutes(1));
  send(country, "p5");
  drive(country.p, "capture", 3);
  CHECK(drive(country.p, "apply").pause == milliseconds(0));
}
