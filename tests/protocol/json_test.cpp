#include "protocol/json.h"

#include "tests/support/catch.h"

namespace omrsync {

TEST_CASE("what was written as JSON is read back equal") {
  Json value;
  value.set("text", "a \"quote\", a line\nand kiswahili: ng'ombe \xE2\x9C\x93")
      .set("whole", std::int64_t{-9'007'199'254'740'993})
      .set("part", 0.1)
      .set("yes", true)
      .set("none", nullptr)
      .set("list", Json::Array{1, "two", Json::Array{}, Json::Object{}});

  const auto again = parse_json(to_string(value));

  REQUIRE(again);
  CHECK(*again == value);
  CHECK(*parse_json(to_pretty_string(value)) == value);
}

TEST_CASE("members keep their order and are replaced in place") {
  Json value;
  value.set("z", 1).set("a", 2).set("z", 3);

  CHECK(to_string(value) == R"({"z":3,"a":2})");
}

TEST_CASE("text that is not UTF-8 cannot make JSON that nobody reads") {
  const std::string torn = to_string(Json(std::string("caf\xE9 \xED\xA0\x80 \xC3")));

  REQUIRE(parse_json(torn));
  CHECK(torn == "\"caf\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\"");
}

TEST_CASE("bad JSON is set aside with the byte where it went wrong") {
  for (const char* bad : {"", "{", "{\"a\":1,}", "[1 2]", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "\"\xC3\x28\"", "nul",
                          "01", "// note\n1", "{'a':1}"}) {
    const auto parsed = parse_json(bad, Code::config_invalid);
    INFO(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::config_invalid);
    CHECK(parsed.error().remedy == Remedy::set_aside);
    CHECK(parsed.error().message.find("at byte") != std::string::npos);
  }
}

TEST_CASE("depth, length and number of members are limited at exactly the limit") {
  const JsonLimits limits{.max_bytes = 20, .max_depth = 3, .max_members = 2};

  CHECK(parse_json("[[[1]]]", Code::wire_malformed, limits));
  CHECK_FALSE(parse_json("[[[[1]]]]", Code::wire_malformed, limits));
  CHECK(parse_json(R"({"a":1,"b":2})", Code::wire_malformed, limits));
  CHECK_FALSE(parse_json(R"({"a":1,"b":2,"c":3})", Code::wire_malformed, limits));
  CHECK(parse_json("\"" + std::string(18, 'x') + "\"", Code::wire_malformed, limits));
  CHECK_FALSE(parse_json("\"" + std::string(19, 'x') + "\"", Code::wire_malformed, limits));
}

TEST_CASE("a hostile document of a million brackets is refused without recursion") {
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
}

}  // namespace omrsync
