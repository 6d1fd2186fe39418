#include "protocol/cells.h"
#include "tests/adapters/fhir/fixture.h"
#include "tests/adapters/fhir/generator.h"
#include "tests/adapters/fhir/validity.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::openmrs;

namespace {

std::string encoded(const FhirCodec& codec, const Sample& sample) {
  std::string out;
  const Status status = codec.encode(sample.root, sample.groups, out);
  INFO((status ? "" : status.error().message));
  REQUIRE(status.has_value());
  return out;
}

void check_round_trip(const FhirCodec& codec, const FhirCodec& reader, const Sample& sample) {
  const std::string resource = encoded(codec, sample);
  INFO(resource);
  CHECK(faults_of(resource).empty());
  const auto back = reader.decode(sample.root, resource);
  INFO((back ? "" : back.error().message));
  REQUIRE(back.has_value());
  for (const auto& [name, value] : back.value()) {
    INFO(name);
    CHECK(sample.groups.contains(name));
    if (sample.groups.contains(name)) CHECK(sample.groups.at(name) == value);
  }
  CHECK(back.value().size() == sample.groups.size());
}

}  // namespace

TEST_CASE("a root of any table comes back byte for byte, whatever it holds, at whatever node") {
  const auto model = fixture_model();
  const auto codec = fixture_codec();
  const auto far = ignorant_codec();
  for (const unsigned nasty : {0U, 5U, 60U}) {
    Generator generator(*model, 7 + nasty, nasty);
    for (unsigned round = 0; round < 12; ++round) {
      for (const Root& root : model->roots) {
        check_round_trip(*codec, *codec, generator.whole(root.root.table));
        check_round_trip(*codec, *far, generator.whole(root.root.table));
        check_round_trip(*far, *codec, generator.whole(root.root.table));
        check_round_trip(*codec, *codec, generator.fragment(root.root.table));
      }
    }
  }
}

TEST_CASE("a damaged resource is read or refused, and what is read can be written") {
  const auto model = fixture_model();
  const auto codec = fixture_codec();
  Generator generator(*model, 99, 10);
  const std::string alphabet = "\"{}[]:,\\u0e-1tfn/ \x80\xC3";
  for (unsigned round = 0; round < 3000; ++round) {
    const std::size_t which = generator.below(static_cast<unsigned>(model->roots.size()));
    const Sample sample = generator.whole(model->roots[which].root.table);
    std::string resource = encoded(*codec, sample);
    for (unsigned count = 1 + generator.below(3); count > 0; --count) {
      const std::size_t at = generator.below(static_cast<unsigned>(resource.size()));
      if (generator.below(2) == 0)
        resource[at] = alphabet[generator.below(static_cast<unsigned>(alphabet.size()))];
      else
        resource.erase(at, 1 + generator.below(30));
    }
    const auto groups = codec->decode(sample.root, resource);
    if (!groups) {
      CHECK(groups.error().remedy == Remedy::set_aside);
      continue;
    }
    const auto again = codec->decode(sample.root, encoded(*codec, {sample.root, groups.value()}));
    CHECK((again && again.value() == groups.value()));
  }
}

TEST_CASE("a root without groups comes back as one") {
  const auto codec = fixture_codec();
  check_round_trip(*codec, *codec, {{"note", "2f6c7c3e-6d0f-4f43-9a39-6c1c0c8b7a11"}, {}});
}

TEST_CASE("a table without a FHIR form is a Basic with typed columns") {
  const auto codec = fixture_codec("Africa/Kampala");
  const std::string key = "7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10";
  const std::string patient = "5946f880-b197-400b-9caa-a3c661d23041";
  const std::string user = "f9badd80-ab76-11e2-9e96-0800200c9a66";
  Sample sample{{"note", key}, {}};
  sample.groups["row"] = encode_cells({{"creator", user},
                                       {"date_created", "2026-05-04 08:14:58"},
                                       {"note_type", "outreach"},
                                       {"patient_id", patient},
                                       {"priority", "5"}});
  sample.groups["life"] = "";
  CHECK(encoded(*codec, sample) ==
        R"({"resourceType":"Basic","id":"7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10","extension":[)"
        R"({"url":"urn:x-omrs-sync:ext/audit","extension":[)"
        R"({"url":"creator","valueReference":{"reference":"Practitioner/f9badd80-ab76-11e2-9e96-0800200c9a66"}},)"
        R"({"url":"dateCreated","valueDateTime":"2026-05-04T08:14:58+03:00"}]},)"
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"table","valueCode":"note"},)"
        R"({"url":"note_type","valueString":"outreach"},)"
        R"({"url":"patient_id","valueReference":{"reference":"Patient/5946f880-b197-400b-9caa-a3c661d23041"}},)"
        R"({"url":"priority","valueInteger":5},{"url":"group","valueString":"life"}]}],)"
        R"("code":{"coding":[{"system":"urn:x-omrs-sync:class","code":"note"}]},)"
        R"("subject":{"reference":"Patient/5946f880-b197-400b-9caa-a3c661d23041"}})");
}

TEST_CASE("a key that is no FHIR id gets one, and stays readable as an identifier") {
  const auto codec = fixture_codec();
  const Sample sample{{"user_role", "admin,System Developer"},
                      {{"life", ""}, {"row", encode_cells({{"role", "System Developer"}})}}};
  const std::string resource = encoded(*codec, sample);
  CHECK(resource.find(R"("id":"x-)") != std::string::npos);
  CHECK(resource.find(R"("identifier":[{"system":"urn:x-omrs-sync:uuid","value":"admin,System Developer"}])") !=
        std::string::npos);
  check_round_trip(*codec, *codec, sample);
}

TEST_CASE("what a resource says beyond our rules is kept and said again") {
  const auto codec = fixture_codec();
  const RootKey root{"note", "7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10"};
  const std::string resource =
      R"({"resourceType":"Basic","id":"7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10","language":"fr",)"
      R"("extension":[{"url":"http://example.org/a","valueDecimal":1.50},)"
      R"({"url":"urn:x-omrs-sync:ext/row","extension":[)"
      R"({"url":"table","valueCode":"note"},{"url":"text","valueString":"x"}]}],)"
      R"("code":{"coding":[{"system":"urn:x-omrs-sync:class","code":"note"}]},"created":"2024-01-01"})";
  const auto groups = codec->decode(root, resource);
  REQUIRE(groups.has_value());
  CHECK(groups.value().at("fhir") ==
        R"({"created":"2024-01-01","language":"fr","extension":[{"url":"http://example.org/a","valueDecimal":1.50}]})");
  const std::string again = encoded(*codec, {root, groups.value()});
  CHECK(again.find(R"({"url":"http://example.org/a","valueDecimal":1.50})") != std::string::npos);
  CHECK(again.find(R"("created":"2024-01-01","language":"fr")") != std::string::npos);
  check_round_trip(*codec, *codec, {root, groups.value()});
}

TEST_CASE("a node in the wrong time zone takes the same wall clock") {
  const auto kampala = fixture_codec("Africa/Kampala");
  const auto wrong = fixture_codec("America/St_Johns");
  const Sample sample{{"note", "7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10"},
                      {{"life", ""}, {"row", encode_cells({{"date_created", "2026-05-04 08:14:58"}, {"text", "x"}})}}};
  CHECK(encoded(*kampala, sample).find("2026-05-04T08:14:58+03:00") != std::string::npos);
  CHECK(encoded(*wrong, sample).find("2026-05-04T08:14:58-02:30") != std::string::npos);
  check_round_trip(*kampala, *wrong, sample);
  check_round_trip(*wrong, *kampala, sample);
}

TEST_CASE("a text of many megabytes is one like any other") {
  const auto codec = fixture_codec();
  const std::string text(20'000'000, 'x');
  const Sample sample{{"note", "7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10"},
                      {{"life", ""}, {"row", encode_cells({{"text", text}})}}};
  const auto back = codec->decode(sample.root, encoded(*codec, sample));
  REQUIRE(back.has_value());
  CHECK((back.value() == sample.groups));
}
