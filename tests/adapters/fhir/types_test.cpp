#include "protocol/cells.h"
#include "tests/adapters/fhir/fixture.h"
#include "tests/adapters/fhir/generator.h"
#include "tests/adapters/fhir/validity.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::openmrs;

namespace {

const std::string kUser = "f9badd80-ab76-11e2-9e96-0800200c9a66";
const std::string kPerson = "5946f880-b197-400b-9caa-a3c661d23041";
const std::string kPlace = "8d6c993e-c2cc-11de-8d13-0010c6dffd0f";

std::string encoded(const Sample& sample) {
  const auto codec = fixture_codec("Africa/Nairobi");
  std::string out;
  REQUIRE(codec->encode(sample.root, sample.groups, out).has_value());
  CHECK(faults_of(out).empty());
  const auto back = codec->decode(sample.root, out);
  REQUIRE(back.has_value());
  CHECK(back.value() == sample.groups);
  return out;
}

std::string life() { return encode_cells({{"voided", "0"}}); }

Sample observation(std::vector<NamedCell> more) {
  std::vector<NamedCell> cells = {{"concept_id", "5088AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
                                  {"creator", kUser},
                                  {"date_created", "2026-05-04 08:14:58"},
                                  {"obs_datetime", "2026-05-04 08:10:00"},
                                  {"person_id", kPerson},
                                  {"status", "FINAL"}};
  cells.insert(cells.end(), more.begin(), more.end());
  return {{"obs", "61ebe359-bfdc-4613-8bf2-c5e300945f0a"}, {{"obs", encode_cells(cells)}, {"life", life()}}};
}

const std::string kObsHead =
    R"({"resourceType":"Observation","id":"61ebe359-bfdc-4613-8bf2-c5e300945f0a","status":"final",)"
    R"("code":{"coding":[{"code":"5088AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]},)"
    R"("subject":{"reference":"Patient/5946f880-b197-400b-9caa-a3c661d23041"},)"
    R"("effectiveDateTime":"2026-05-04T08:10:00+03:00","issued":"2026-05-04T08:14:58.000+03:00")";
const std::string kObsAudit =
    R"("extension":[{"url":"urn:x-omrs-sync:ext/audit","extension":[{"url":"voided","valueBoolean":false},)"
    R"({"url":"creator","valueReference":{"reference":"Practitioner/f9badd80-ab76-11e2-9e96-0800200c9a66"}}]})";

std::string observation_json(const std::string& elements, const std::string& extensions = "") {
  return kObsHead + elements + "," + kObsAudit + extensions + "]}";
}

}  // namespace

TEST_CASE("an obs of every datatype is an Observation with that value") {
  CHECK(encoded(observation({{"value_numeric", "36.60"}})) == observation_json(R"(,"valueQuantity":{"value":36.60})"));
  CHECK(encoded(observation({{"value_coded", "1065A"}})) ==
        observation_json(R"(,"valueCodeableConcept":{"coding":[{"code":"1065A"}]})"));
  CHECK(encoded(observation({{"value_text", "a\nb"}})) == observation_json(R"(,"valueString":"a\nb")"));
  CHECK(encoded(observation({{"value_datetime", "2026-06-01 00:00:00"}})) ==
        observation_json(R"(,"valueDateTime":"2026-06-01T00:00:00+03:00")"));
  CHECK(encoded(observation({{"value_complex", "x.jpg|1"}})) ==
        observation_json("", R"(,{"url":"urn:x-omrs-sync:ext/obs/value_complex","valueString":"x.jpg|1"})"));
  CHECK(encoded(observation({})) == observation_json(""));
}

TEST_CASE("the subject of an obs is a patient; another person stands in an extension, where that is known") {
  class NobodyIsPatient : public fhir::Lookup {
    [[nodiscard]] bool is_no_patient(std::string_view) const override { return true; }
  };
  const auto codec = std::move(FhirCodec::create(fixture_model(), {}, std::make_shared<NobodyIsPatient>())).value();
  const Sample sample = observation({});
  std::string out;
  REQUIRE(codec->encode(sample.root, sample.groups, out).has_value());
  CHECK(out.find("\"subject\"") == std::string::npos);
  CHECK(out.find(R"({"url":"urn:x-omrs-sync:ext/obs/person_id","valueReference":{"reference":"Person/)" + kPerson) !=
        std::string::npos);
  CHECK(fixture_codec()->decode(sample.root, out).value() == sample.groups);
}

TEST_CASE("of several values one is the element, the others are extensions") {
  CHECK(encoded(observation({{"value_coded", "1065A"}, {"value_numeric", "1"}})) ==
        observation_json(R"(,"valueCodeableConcept":{"coding":[{"code":"1065A"}]})",
                         R"(,{"url":"urn:x-omrs-sync:ext/obs/value_numeric","valueDecimal":1})"));
}

TEST_CASE("a member of an obs group names its parent") {
  CHECK(encoded(observation({{"obs_group_id", kPlace}})) ==
        observation_json("", R"(,{"url":"urn:x-omrs-sync:ext/obs/obs_group_id","valueReference":{)"
                             R"("reference":"Observation/)" +
                                 kPlace + R"("}})"));
}

TEST_CASE("an obs keeps the reference range that it was made with") {
  Sample sample = observation({{"interpretation", "OFF_SCALE_HIGH"}, {"value_numeric", "250"}});
  sample.groups["obs_reference_range"] =
      encode_cells({{"hi_absolute", "250"}, {"hi_normal", "37.5"}, {"low_normal", "36"}, {"uuid", kPlace}});
  CHECK(encoded(sample) ==
        observation_json(R"(,"valueQuantity":{"value":250},"interpretation":[{"coding":[{"system":)"
                         R"("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":">"}]}],)"
                         R"("referenceRange":[{"low":{"value":36},"high":{"value":37.5},"type":{"coding":[{"system":)"
                         R"("http://terminology.hl7.org/CodeSystem/referencerange-meaning","code":"normal"}]}},)"
                         R"({"high":{"value":250},"type":{"coding":[{"system":)"
                         R"("http://fhir.openmrs.org/ext/obs/reference-range","code":"absolute"}]}}])",
                         R"(,{"url":"urn:x-omrs-sync:ext/obs_reference_range/uuid","valueString":")" + kPlace + "\"}"));
}

TEST_CASE("a fragment of an obs without its concept is a Basic, for an Observation needs a code") {
  const std::string json = encoded({{"obs", kPlace}, {{"life", life()}}});
  CHECK(json.starts_with(R"({"resourceType":"Basic")"));
}

TEST_CASE("a status that FHIR does not know travels beside the status unknown") {
  Sample sample = observation({});
  sample.groups["obs"] = encode_cells({{"concept_id", "5088A"}, {"status", "REGISTERED"}});
  const std::string json = encoded(sample);
  CHECK(json.find(R"("status":"unknown")") != std::string::npos);
  CHECK(json.find(R"({"url":"urn:x-omrs-sync:ext/obs/status","valueString":"REGISTERED"})") != std::string::npos);
}

TEST_CASE("a person with a patient row is a Patient, one without is a Person") {
  Sample sample{{"person", kPerson}, {}};
  sample.groups["gender"] = encode_cells({{"gender", "F"}});
  sample.groups["birthdate"] = encode_cells({{"birthdate", "1990-06-15"}, {"birthdate_estimated", "1"}});
  sample.groups["death"] = encode_cells({{"dead", "0"}, {"deathdate_estimated", "0"}});
  sample.groups["created"] = encode_cells({{"creator", kUser}, {"date_created", "2024-03-05 10:15:00"}});
  sample.groups["life"] = life();
  sample.groups["changed"] = "";
  sample.groups["person_name/55555555-5555-4555-8555-555555555555"] = encode_cells({{"creator", kUser},
                                                                                    {"family_name", "Okot"},
                                                                                    {"given_name", "Grace"},
                                                                                    {"middle_name", "Akello"},
                                                                                    {"preferred", "1"},
                                                                                    {"prefix", "Dr"}});
  sample.groups["person_name/55555555-5555-4555-8555-555555555555#life"] = life();
  sample.groups["person_name/55555555-5555-4555-8555-555555555555#changed"] = "";
  sample.groups["person_address/66666666-6666-4666-8666-666666666666"] =
      encode_cells({{"address1", "Plot 7"}, {"city_village", "Gulu"}, {"preferred", "1"}});
  sample.groups["person_address/66666666-6666-4666-8666-666666666666#life"] = life();
  const std::string people =
      R"("name":[{"id":"55555555-5555-4555-8555-555555555555","family":"Okot","given":["Grace","Akello"],"extension":[)"
      R"({"url":"http://fhir.openmrs.org/ext/name","extension":[{"url":"http://fhir.openmrs.org/ext/name#prefix",)"
      R"("valueString":"Dr"}]},)"
      R"({"url":"urn:x-omrs-sync:ext/audit","extension":[{"url":"creator","valueReference":{)"
      R"("reference":"Practitioner/f9badd80-ab76-11e2-9e96-0800200c9a66"}}]},)"
      R"({"url":"urn:x-omrs-sync:ext/person_name/preferred","valueBoolean":true},{)"
      R"("url":"urn:x-omrs-sync:ext/groups","valueString":"changed"}]}],)"
      R"("gender":"female","birthDate":"1990",)";
  const std::string address =
      R"("address":[{"id":"66666666-6666-4666-8666-666666666666","use":"home","city":"Gulu","extension":[)"
      R"({"url":"http://fhir.openmrs.org/ext/address","extension":[{)"
      R"("url":"http://fhir.openmrs.org/ext/address#address1","valueString":"Plot 7"}]}]}])";
  const std::string person = encoded(sample);
  CHECK(person.starts_with(R"({"resourceType":"Person","id":")" + kPerson + "\"," + people + address +
                           R"(,)"
                           R"("active":true,)"));
  CHECK(person.find(R"({"url":"urn:x-omrs-sync:ext/exact/birthdate","valueDate":"1990-06-15"})") != std::string::npos);
  CHECK(person.find(R"({"url":"urn:x-omrs-sync:ext/person/dead","valueBoolean":false})") != std::string::npos);

  sample.groups["patient"] = encode_cells({{"allergy_status", "Unknown"}, {"creator", kUser}});
  sample.groups["patient#life"] = life();
  sample.groups["patient#changed"] = "";
  sample.groups["patient_identifier/22222222-2222-4222-8222-222222222222"] =
      encode_cells({{"identifier", "100-8"}, {"identifier_type", kUser}, {"location_id", kPlace}, {"preferred", "1"}});
  sample.groups["patient_identifier/22222222-2222-4222-8222-222222222222#life"] = life();
  const std::string patient = encoded(sample);
  CHECK(patient.starts_with(
      R"({"resourceType":"Patient","id":")" + kPerson +
      R"(","identifier":[{"id":"22222222-2222-4222-8222-222222222222","use":"official","type":{"coding":[{)"
      R"("code":")" +
      kUser +
      R"("}]},"value":"100-8","extension":[{"url":"http://fhir.openmrs.org/ext/patient/identifier#location",)"
      R"("valueReference":{"reference":"Location/)" +
      kPlace + R"("}}]}],"active":true,)" + people + R"("deceasedBoolean":false,)" + address));
  CHECK(patient.find(R"({"url":"urn:x-omrs-sync:ext/patient/allergy_status",)"
                     R"("valueString":"Unknown"})") != std::string::npos);
  CHECK(patient.find(R"({"url":"urn:x-omrs-sync:ext/person-audit","extension":[{)"
                     R"("url":"creator")") != std::string::npos);
  CHECK(patient.find(R"("valueString":"patient#changed")") != std::string::npos);
}

TEST_CASE("a voided name is a row, not a name") {
  Sample sample{{"person", kPerson}, {}};
  sample.groups["person_name/" + kUser] = encode_cells({{"family_name", "Old"}});
  sample.groups["person_name/" + kUser + "#life"] = encode_cells({{"voided", "1"}});
  const std::string json = encoded(sample);
  CHECK(json.find(R"("name":)") == std::string::npos);
  CHECK(json.find(R"({"url":"table","valueCode":"person_name"},{"url":"uuid",)"
                  R"("valueString":")" +
                  kUser + "\"}") != std::string::npos);
}

TEST_CASE("a death with its date is one element") {
  Sample sample{{"person", kPerson}, {{"patient", ""}}};
  sample.groups["death"] = encode_cells({{"dead", "1"}, {"death_date", "2024-01-02 03:04:05"}});
  CHECK(encoded(sample).find(R"("deceasedDateTime":"2024-01-02T03:04:05+03:00")") != std::string::npos);
  sample.groups["death"] = encode_cells({{"dead", "1"}, {"death_date", "0000-00-00 00:00:00"}});
  CHECK(encoded(sample).find(R"("deceasedBoolean":true)") != std::string::npos);
  sample.groups["death"] = encode_cells({{"dead", "0"}, {"death_date", "2024-01-02 03:04:05"}});
  CHECK(encoded(sample).find(R"("deceasedBoolean":false)") != std::string::npos);
}

TEST_CASE("encounters, visits, places and providers are what the mapping says") {
  Sample encounter{{"encounter", kPlace}, {}};
  encounter.groups["type"] = encode_cells({{"encounter_type", kUser}});
  encounter.groups["subject"] = encode_cells({{"patient_id", kPerson}});
  encounter.groups["when"] = encode_cells({{"encounter_datetime", "2026-05-04 08:10:00"}});
  encounter.groups["where"] = encode_cells({{"location_id", kPlace}});
  encounter.groups["visit"] = encode_cells({{"visit_id", kPlace}});
  encounter.groups["encounter_provider/" + kUser] =
      encode_cells({{"encounter_role_id", "240b26f9-dd88-4172-823d-4a8bfeb7841f"}, {"provider_id", kUser}});
  encounter.groups["encounter_provider/" + kUser + "#life"] = life();
  CHECK(encoded(encounter) ==
        R"({"resourceType":"Encounter","id":"8d6c993e-c2cc-11de-8d13-0010c6dffd0f","status":"unknown",)"
        R"("class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},)"
        R"("type":[{"coding":[{"system":"http://fhir.openmrs.org/code-system/encounter-type",)"
        R"("code":"f9badd80-ab76-11e2-9e96-0800200c9a66"}]}],)"
        R"("subject":{"reference":"Patient/5946f880-b197-400b-9caa-a3c661d23041"},)"
        R"("participant":[{"individual":{"reference":"Practitioner/f9badd80-ab76-11e2-9e96-0800200c9a66"},)"
        R"("extension":[)"
        R"({"url":"urn:x-omrs-sync:ext/encounter_provider/uuid","valueString":"f9badd80-ab76-11e2-9e96-0800200c9a66"},)"
        R"({"url":"urn:x-omrs-sync:ext/encounter_provider/encounter_role_id","valueCoding":{)"
        R"("system":"urn:x-omrs-sync:ext/table/encounter_role","code":"240b26f9-dd88-4172-823d-4a8bfeb7841f"}}]}],)"
        R"("period":{"start":"2026-05-04T08:10:00+03:00"},)"
        R"("location":[{"location":{"reference":"Location/8d6c993e-c2cc-11de-8d13-0010c6dffd0f"}}],)"
        R"("partOf":{"reference":"Encounter/8d6c993e-c2cc-11de-8d13-0010c6dffd0f"}})");

  Sample visit{{"visit", kPlace}, {}};
  visit.groups["type"] = encode_cells({{"visit_type_id", kUser}});
  visit.groups["period"] =
      encode_cells({{"date_started", "2026-05-04 08:10:00"}, {"date_stopped", "2026-05-04 09:00:00"}});
  CHECK(encoded(visit).find(R"("period":{"start":"2026-05-04T08:10:00+03:00","end":"2026-05-04T09:00:00+03:00"})") !=
        std::string::npos);

  Sample place{{"location", kPlace}, {}};
  place.groups["name"] = encode_cells({{"name", "Ward"}});
  place.groups["address"] =
      encode_cells({{"address3", "Hill"}, {"city_village", "Gulu"}, {"county_district", "Acholi"}});
  place.groups["position"] = encode_cells({{"latitude", "1.250"}, {"longitude", "32"}});
  place.groups["life"] = encode_cells({{"retired", "1"}});
  CHECK(encoded(place) ==
        R"({"resourceType":"Location","id":"8d6c993e-c2cc-11de-8d13-0010c6dffd0f","status":"inactive","name":"Ward",)"
        R"("address":{"extension":[{"url":"http://fhir.openmrs.org/ext/address","extension":[{)"
        R"("url":"http://fhir.openmrs.org/ext/address#address3","valueString":"Hill"}]}],"city":"Gulu"},)"
        R"("position":{"longitude":32,"latitude":1.250},"extension":[{)"
        R"("url":"urn:x-omrs-sync:ext/location/county_district","valueString":"Acholi"}]})");
  place.groups["position"] = encode_cells({{"latitude", "-1.5"}, {"longitude", "32"}});
  CHECK(encoded(place).find("\"position\"") == std::string::npos);

  Sample provider{{"provider", kPlace}, {}};
  provider.groups["identifier"] = encode_cells({{"identifier", "P-1"}});
  provider.groups["person"] = encode_cells({{"person_id", kPerson}});
  provider.groups["life"] = encode_cells({{"retired", "0"}});
  CHECK(encoded(provider) ==
        R"({"resourceType":"Practitioner","id":"8d6c993e-c2cc-11de-8d13-0010c6dffd0f",)"
        R"("identifier":[{"system":"http://fhir.openmrs.org/ext/provider/identifier","value":"P-1"}],"active":true,)"
        R"("extension":[{"url":"urn:x-omrs-sync:ext/provider/person_id","valueReference":{)"
        R"("reference":"Person/5946f880-b197-400b-9caa-a3c661d23041"}}]})");
}

TEST_CASE("a column in another group than the usual one says so, and only then") {
  Sample sample{{"provider", kPlace}, {}};
  sample.groups["elsewhere"] = encode_cells({{"identifier", "P-1"}});
  const std::string json = encoded(sample);
  CHECK(json.find(R"({"url":"group","valueString":"elsewhere"},{"url":"identifier",)"
                  R"("valueString":"P-1"})") != std::string::npos);
}

TEST_CASE("what another sender adds to an element of ours is kept with it, until the value changes") {
  const auto codec = fixture_codec("Africa/Nairobi");
  const RootKey root{"obs", "61ebe359-bfdc-4613-8bf2-c5e300945f0a"};
  const std::string rich =
      R"({"resourceType":"Observation","id":"61ebe359-bfdc-4613-8bf2-c5e300945f0a","status":"final",)"
      R"("code":{"coding":[{"code":"5088A","display":"Temperature"}],"text":"Temperature"},)"
      R"("effectiveDateTime":"2026-05-04T08:10:00+03:00","valueQuantity":{"value":36.60,"unit":"DEG C"},"note":[{)"
      R"("text":"n"}]})";
  auto groups = codec->decode(root, rich);
  REQUIRE(groups.has_value());
  CHECK(find_cell(groups.value().at("obs"), "concept_id") == "5088A");
  CHECK(find_cell(groups.value().at("obs"), "value_numeric") == "36.60");
  const std::string again = encoded({root, groups.value()});
  CHECK(again.find(R"("code":{"coding":[{"code":"5088A","display":"Temperature"}],)"
                   R"("text":"Temperature"})") != std::string::npos);
  CHECK(again.find(R"("valueQuantity":{"value":36.60,"unit":"DEG C"})") != std::string::npos);
  CHECK(again.find(R"("note":[{"text":"n"}])") != std::string::npos);

  groups.value()["obs"] = encode_cells({{"concept_id", "5089A"}, {"obs_datetime", "2026-05-04 08:10:00"}});
  const std::string changed = encoded({root, groups.value()});
  CHECK(changed.find(R"("code":{"coding":[{"code":"5089A"}]})") != std::string::npos);
  CHECK(changed.find("urn:x-omrs-sync:ext/residue") != std::string::npos);
}

TEST_CASE("a root of another table refuses the type") {
  const auto codec = fixture_codec();
  const auto groups = codec->decode({"visit", kPlace}, R"({"resourceType":"Location","id":")" + kPlace +
                                                           R"(",)"
                                                           R"("name":"x"})");
  REQUIRE(!groups.has_value());
  CHECK(groups.error().code == Code::fhir_type_unknown);
}
