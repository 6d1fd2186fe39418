#include "adapters/openmrs/fhir/zone.h"

#include "adapters/openmrs/fhir/primitives.h"
#include "tests/support/catch.h"

using namespace omrsync::openmrs::fhir;

namespace {

std::string offset(const char* zone, const char* wall_clock) {
  return std::string(Zone::load(zone).value().offset_at(wall_clock_seconds(wall_clock).value()));
}

}  // namespace

TEST_CASE("the offset is the one in force at the wall clock") {
  CHECK(offset("Africa/Kampala", "2024-03-05 10:15:00") == "+03:00");
  CHECK(offset("Europe/Berlin", "2024-01-01 00:00:00") == "+01:00");
  CHECK(offset("Europe/Berlin", "2024-07-01 00:00:00") == "+02:00");
  CHECK(offset("Europe/Berlin", "2024-03-31 01:59:59") == "+01:00");
  CHECK(offset("Europe/Berlin", "2024-03-31 03:00:00") == "+02:00");
  CHECK(offset("Europe/Berlin", "2024-10-27 01:59:59") == "+02:00");
  CHECK(offset("Europe/Berlin", "2024-10-27 02:30:00") == "+01:00");
  CHECK(offset("America/St_Johns", "2024-01-01 00:00:00") == "-03:30");
  CHECK(offset("UTC", "1700-01-01 00:00:00") == "+00:00");
  CHECK(offset("Europe/Berlin", "9999-12-31 23:59:59").size() == 6);
}

TEST_CASE("a zone that does not exist is a mistake in the configuration") {
  const auto zone = Zone::load("Mars/Olympus");
  REQUIRE(!zone.has_value());
  CHECK(zone.error().code == omrsync::Code::config_invalid);
}

TEST_CASE("a day that does not exist has no wall clock") {
  for (const char* text : {"0000-00-00 00:00:00", "2023-02-29 00:00:00", "2024-13-01 00:00:00", "2024-01-01 24:00:00",
                           "2024-01-01", "2024-01-01 00:00:00.", "2024-01-01 00:00:00.1234567", "0000-01-01 00:00:00"})
    CHECK(!wall_clock_seconds(text).has_value());
  CHECK(wall_clock_seconds("1970-01-02 00:00:01.5") == 86401);
}
