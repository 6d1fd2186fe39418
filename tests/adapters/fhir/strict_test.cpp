#include "tests/adapters/fhir/fixture.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::openmrs;

namespace {

const RootKey kRoot{"note", "7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10"};
const std::string kHead = R"({"resourceType":"Basic","id":"7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10",)";
const std::string kCode = R"("code":{"coding":[{"system":"urn:x-omrs-sync:class","code":"note"}]})";

Code refusal_of(const std::string& resource) {
  const auto groups = fixture_codec()->decode(kRoot, resource);
  INFO(resource.substr(0, 300));
  REQUIRE(!groups.has_value());
  CHECK(groups.error().remedy == Remedy::set_aside);
  return groups.error().code;
}

std::string with(const std::string& member) { return kHead + kCode + "," + member + "}"; }

std::string nested(unsigned depth) { return with("\"x\":" + std::string(depth, '[') + "1" + std::string(depth, ']')); }

}  // namespace

TEST_CASE("what is no strict JSON is refused") {
  CHECK(fixture_codec()->decode(kRoot, kHead + kCode + "}").has_value());
  for (const std::string& text : {std::string(),
                                  std::string("[]"),
                                  std::string("1"),
                                  kHead + kCode,
                                  kHead + kCode + "}}",
                                  kHead + kCode + "} x",
                                  kHead + kCode + "}" + std::string(1, '\0'),
                                  kHead + kCode + "}" + std::string(1, '\0') + "garbage",
                                  with(R"("x":"")"),
                                  with(R"("x":[])"),
                                  with(R"("x":{})"),
                                  with(R"("x":null)"),
                                  with(R"("x":[null])"),
                                  with(R"("x":["a",null])"),
                                  with(R"("x":1,"x":2)"),
                                  with(R"("id":"other")"),
                                  with(R"("x":{"a":1,"a":1})"),
                                  with("\"x\":\"\xFF\""),
                                  with("\"x\":\"\xC0\x80\""),
                                  with("\"x\":\"\xED\xA0\x80\""),
                                  with("\"x\":\"a\nb\""),
                                  with(R"("x":NaN)"),
                                  with(R"("x":01)"),
                                  with(R"("x":1.)"),
                                  with(R"("x":1e999)"),
                                  with(R"("x":)" + std::string(65, '1')),
                                  with(R"("x":1 /* */)"),
                                  with(R"("x":1,)"),
                                  with(R"("":1)"),
                                  "\xEF\xBB\xBF" + kHead + kCode + "}"})
    CHECK(refusal_of(text) == Code::fhir_malformed);
}

TEST_CASE("a null stands only in paired primitive arrays") {
  CHECK(fixture_codec()->decode(kRoot, with(R"("x":["a",null],"_x":[null,{"id":"1"}])")).has_value());
}

TEST_CASE("64 levels are read, 65 are not") {
  CHECK(fixture_codec()->decode(kRoot, nested(63)).has_value());
  CHECK(refusal_of(nested(64)) == Code::fhir_malformed);
  CHECK(refusal_of(nested(1'000'000)) == Code::fhir_malformed);
}

TEST_CASE("many members are compared too") {
  std::string members;
  for (int at = 0; at < 40; ++at) members += "\"m" + std::to_string(at) + "\":1,";
  CHECK(fixture_codec()->decode(kRoot, with(members + "\"last\":1")).has_value());
  CHECK(refusal_of(with(members + "\"m0\":1")) == Code::fhir_malformed);
}

TEST_CASE("a resource of another root or class is refused") {
  CHECK(refusal_of(R"({"resourceType":"Basic","id":"other",)" + kCode + "}") == Code::fhir_malformed);
  CHECK(refusal_of(kHead + R"("code":{"coding":[{"system":"urn:x-omrs-sync:class",)"
                           R"("code":"drug"}]}})") == Code::fhir_malformed);
  CHECK(refusal_of(kHead.substr(0, kHead.size() - 1) + "}") == Code::fhir_malformed);
  CHECK(refusal_of(R"({"resourceType":"Spaceship","id":"7a0f3ef2-2f7e-4f0c-8f5c-6a0f6a6f7d10"})") ==
        Code::fhir_type_unknown);
}

TEST_CASE("an unknown modifier extension sets the resource aside, at any depth") {
  CHECK(refusal_of(with(R"("modifierExtension":[{"url":"http://x",)"
                        R"("valueBoolean":true}])")) == Code::fhir_unknown_modifier);
  CHECK(refusal_of(with(R"("x":[{"modifierExtension":[{"url":"http://x",)"
                        R"("valueBoolean":true}]}])")) == Code::fhir_unknown_modifier);
}

TEST_CASE("an extension of ours that makes no sense is refused, and the message names no content") {
  for (const char* extension :
       {R"({"url":"urn:x-omrs-sync:ext/row","valueString":"x"})",
        R"({"url":"urn:x-omrs-sync:ext/future","valueString":"x"})",
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"text","valueString":"x"}]})",
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"table","valueCode":"note"},{"url":"text",)"
        R"("valueQuantity":{"value":1}}]})",
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"table","valueCode":"note"},{"url":"text",)"
        R"("valueString":"secret"},{"url":"text","valueString":"secret"}]})",
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"table","valueCode":"note"},{"url":"text",)"
        R"("valueBase64Binary":"secret*="}]})",
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"table","valueCode":"note"},{"url":"text",)"
        R"("valueDateTime":"2024"}]})",
        R"({"url":"urn:x-omrs-sync:ext/row","extension":[{"url":"table","valueCode":"note"},{"url":"text",)"
        R"("valueReference":{"reference":"secret"}}]})",
        R"({"url":"urn:x-omrs-sync:ext/audit","extension":[{"url":"text","valueString":"secret"}]})"}) {
    const auto groups = fixture_codec()->decode(kRoot, with("\"extension\":[" + std::string(extension) + "]"));
    INFO(extension);
    REQUIRE(!groups.has_value());
    CHECK(groups.error().code == Code::fhir_malformed);
    CHECK(groups.error().message.find("secret") == std::string::npos);
  }
}
