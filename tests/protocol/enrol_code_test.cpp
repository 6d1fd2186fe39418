#include "protocol/enrol_code.h"

#include "tests/support/catch.h"

using namespace omrsync;

namespace {

EnrolCode sample() {
  EnrolCode code;
  for (std::size_t i = 0; i < EnrolCode::kSecretBytes; ++i) code.secret += static_cast<char>(37 * i + 5);
  for (std::size_t i = 0; i < EnrolCode::kAuthorityBytes; ++i) code.authority += static_cast<char>(201 - 11 * i);
  return code;
}

}  // namespace

TEST_CASE("a code is read back, however it was typed") {
  const EnrolCode code = sample();
  const std::string text = to_string(code);
  CHECK(text.size() == 8 * 6 + 7);
  std::string typed;
  for (const char c : text) {
    if (c == '-') continue;
    typed += c == '0' ? 'o' : c == '1' ? 'l' : static_cast<char>(std::tolower(c));
    typed += ' ';
  }
  for (const std::string& form : {text, typed}) {
    const auto read = parse_enrol_code(form);
    REQUIRE(read);
    CHECK(read->secret == code.secret);
    CHECK(read->authority == code.authority);
  }
}

TEST_CASE("every single mistake in typing is noticed") {
  const std::string text = to_string(sample());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    std::string other = text;
    other[i] = other[i] == '7' ? '8' : '7';
    CHECK(parse_enrol_code(other).error().code == Code::enrol_code_mistyped);
    CHECK_FALSE(parse_enrol_code(text.substr(0, i)));
  }
  CHECK_FALSE(parse_enrol_code(text + "0"));
  CHECK_FALSE(parse_enrol_code("U" + text.substr(1)));
  CHECK_FALSE(parse_enrol_code(""));
}

TEST_CASE("the hash of a secret does not tell it, and differs from another's") {
  CHECK(hash_of_secret("a").size() == 32);
  CHECK(hash_of_secret("a") != hash_of_secret("b"));
}
