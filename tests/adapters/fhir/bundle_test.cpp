#include "adapters/openmrs/fhir/bundle.h"

#include "adapters/openmrs/fhir/json_tape.h"
#include "protocol/cells.h"
#include "tests/adapters/fhir/fixture.h"
#include "tests/adapters/fhir/validity.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::openmrs;

namespace {

const std::string kNode = "2f6c7c3e-6d0f-4f43-9a39-6c1c0c8b7a11";
const std::string kUser = "f9badd80-ab76-11e2-9e96-0800200c9a66";
const std::string kPlace = "8d6c993e-c2cc-11de-8d13-0010c6dffd0f";

fhir::PrintedSet printed_set() {
  fhir::PrintedSet set;
  set.node = parse_uuid(kNode).value();
  set.epoch = 3;
  set.sequence = 1042;
  set.site = "kitale";
  set.captured_ms = 1777871730123;
  set.edited_ms = 1777871698000;
  set.author = kUser;
  return set;
}

std::string location_json(const std::map<GroupName, GroupValue>& more = {}) {
  std::map<GroupName, GroupValue> groups = more;
  groups["name"] = encode_cells({{"name", "Ward"}});
  std::string out;
  REQUIRE(fixture_codec()->encode({"location", kPlace}, groups, out).has_value());
  return out;
}

}  // namespace

TEST_CASE("a printed change set is a transaction of PUTs with one Provenance") {
  const std::string resource = location_json();
  const std::vector<fhir::PrintedEntry> entries = {{{"location", kPlace}, resource, false}};
  const std::string bundle = fixture_codec("Africa/Nairobi")->bundle(printed_set(), entries);
  CHECK(faults_of(bundle).empty());
  const std::string base = "http://" + kNode + ".sync.invalid/fhir/";
  CHECK(bundle.starts_with(
      R"({"resourceType":"Bundle","identifier":{"system":"urn:x-omrs-sync:change-set","value":")" + kNode +
      R"(/3/1042"},"type":"transaction","timestamp":"2026-05-04T08:15:30.123+03:00","entry":[{"fullUrl":")" + base +
      "Location/" + kPlace + R"(","resource":{"resourceType":"Location","id":")" + kPlace +
      R"(","meta":{"source":"urn:uuid:)" + kNode +
      R"(","tag":[{"system":"urn:x-omrs-sync:site","code":"kitale"}]},"name":"Ward"},"request":{"method":"PUT",)"
      R"("url":"Location/)" +
      kPlace + R"("}},{"fullUrl":")" + base + "Provenance/"));
  CHECK(bundle.find(R"("target":[{"reference":"Location/)" + kPlace +
                    R"("}],"occurredDateTime":"2026-05-04T08:14:58.000+03:00",)"
                    R"("recorded":"2026-05-04T08:15:30.123+03:00")") != std::string::npos);
  CHECK(bundle.find(R"("who":{"reference":"Practitioner/)" + kUser + "\"}") != std::string::npos);
  CHECK(bundle.find('\n') == std::string::npos);
}

TEST_CASE("what was purged is a DELETE, and its Provenance names it by identifier") {
  const std::vector<fhir::PrintedEntry> entries = {{{"obs", kPlace}, {}, true}};
  const std::string bundle = fixture_codec("UTC")->bundle(printed_set(), entries);
  CHECK(faults_of(bundle).empty());
  CHECK(bundle.find(R"("entry":[{"request":{"method":"DELETE",)"
                    R"("url":"Observation/)" +
                    kPlace + "\"}}") != std::string::npos);
  CHECK(bundle.find(R"("target":[{"type":"Observation","identifier":{"system":"urn:x-omrs-sync:uuid",)"
                    R"("value":")" +
                    kPlace + "\"}}]") != std::string::npos);
  CHECK(bundle.find(R"("code":"DELETE")") != std::string::npos);
}

TEST_CASE("tags that a resource has already stay on it") {
  const std::string resource =
      location_json({{"fhir", R"({"meta":{"source":"urn:other","tag":[{"system":"http://example.org","code":"keep"}],)"
                              R"("versionId":"1"}})"}});
  const std::vector<fhir::PrintedEntry> entries = {{{"location", kPlace}, resource, false}};
  const std::string bundle = fixture_codec("UTC")->bundle(printed_set(), entries);
  CHECK(bundle.find(R"("meta":{"source":"urn:uuid:)" + kNode +
                    R"(","versionId":"1","tag":[{"system":"http://example.org","code":"keep"},{)"
                    R"("system":"urn:x-omrs-sync:site")") != std::string::npos);
}

TEST_CASE("the same set is printed the same way again") {
  const std::string resource = location_json();
  const std::vector<fhir::PrintedEntry> entries = {{{"location", kPlace}, resource, false}};
  const fhir::Zone zone = fhir::Zone::load("Europe/Berlin").value();
  CHECK(fixture_codec()->bundle(printed_set(), entries) == fixture_codec()->bundle(printed_set(), entries));
  CHECK(zone.instant(1729989000000) == "2024-10-27T02:30:00.000+02:00");
  CHECK(zone.instant(1729992600000) == "2024-10-27T02:30:00.000+01:00");
  CHECK(zone.instant(-1) == "1970-01-01T00:59:59.999+01:00");
}
