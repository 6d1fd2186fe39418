#include "tests/adapters/fhir/validity.h"

#include <map>
#include <regex>

#include "adapters/openmrs/fhir/json_tape.h"

namespace omrsync::openmrs {
namespace {

using fhir::JsonKind;
using fhir::JsonMember;
using fhir::JsonView;

const std::string kYear = R"(([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000))";
const std::string kMonth = R"((0[1-9]|1[0-2]))";
const std::string kDayOfMonth = R"((0[1-9]|[1-2][0-9]|3[0-1]))";
const std::string kDate = kYear + "(-" + kMonth + "(-" + kDayOfMonth + ")?)?";
const std::string kDay = kYear + "-" + kMonth + "-" + kDayOfMonth;
const std::string kClock = R"(([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?)";
const std::string kOffset = R"((Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00)))";

bool matches(std::string_view text, const std::string& pattern) {
  static std::map<std::string, std::regex> compiled;
  auto found = compiled.find(pattern);
  if (found == compiled.end()) found = compiled.emplace(pattern, std::regex(pattern)).first;
  return std::regex_match(text.begin(), text.end(), found->second);
}

/// The pattern that the member's text must match; empty: any string.
std::string pattern_of(std::string_view name) {
  if (name == "url" || name == "system" || name == "source") return R"(\S*)";
  if (name == "id") return R"([A-Za-z0-9\-\.]{1,64})";
  if (name == "valueDate" || name == "birthDate") return kDate;
  if (name == "valueTime") return kClock;
  if (name == "issued" || name == "lastUpdated" || name == "recorded" || name == "timestamp")
    return kDay + "T" + kClock + kOffset;
  if (name == "valueDateTime" || name == "effectiveDateTime" || name == "deceasedDateTime" || name == "start" ||
      name == "end" || name == "occurredDateTime")
    return kDate + "(T" + kClock + kOffset + ")?";
  if (name == "valueCode" || name == "code" || name == "status" || name == "use" || name == "gender")
    return R"([^\s]+(\s[^\s]+)*)";
  if (name == "valueBase64Binary") return R"((\s*([0-9a-zA-Z\+/=]){4}\s*)+)";
  if (name == "reference") return R"([A-Z][A-Za-z]+/[A-Za-z0-9\-\.]{1,64})";
  return {};
}

std::string check(JsonView value, std::string_view name, const std::string& place);

std::string check_object(JsonView object, const std::string& place) {
  bool has_value = false;
  bool has_extension = false;
  for (const JsonMember member : object.members()) {
    const std::string here = place + "." + std::string(member.name);
    if (std::string fault = check(member.value, member.name, here); !fault.empty()) return fault;
    has_value = has_value || member.name.starts_with("value");
    has_extension = has_extension || member.name == "extension";
    if (member.name == "extension" && !member.value.is_array()) return here + " is no array";
  }
  if (place.ends_with("extension") && (object.text_of("url").empty() || has_value == has_extension))
    return place + " needs a url and either a value or extensions";
  return {};
}

std::string check(JsonView value, std::string_view name, const std::string& place) {
  switch (value.kind()) {
    case JsonKind::object:
      return check_object(value, place);
    case JsonKind::array:
      for (const JsonView item : value.items())
        if (std::string fault = check(item, name, place); !fault.empty()) return fault;
      return {};
    case JsonKind::text: {
      if (const std::string pattern = pattern_of(name); !pattern.empty() && !matches(value.text(), pattern))
        return place + " does not match its pattern";
      for (const char byte : value.text())
        if (static_cast<unsigned char>(byte) < 0x20 && byte != '\t' && byte != '\r' && byte != '\n')
          return place + " has a control character";
      return value.text().find_first_not_of(" \t\r\n") == std::string_view::npos ? place + " is blank" : std::string();
    }
    case JsonKind::number:
      return matches(value.text(), R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)") ? "" : place + " is no decimal";
    case JsonKind::truth:
    case JsonKind::falsehood:
      return {};
    case JsonKind::null:
      return place + " is null";
  }
  return place;
}

/// Members that R4 requires, by type.
std::string missing_member(JsonView resource) {
  static const std::map<std::string, std::vector<std::string>, std::less<>> kRequired = {
      {"Basic", {"code"}}, {"Observation", {"status", "code"}}, {"Encounter", {"status", "class"}}};
  const auto found = kRequired.find(resource.text_of("resourceType"));
  if (found == kRequired.end()) return {};
  for (const std::string& name : found->second)
    if (!resource.find(name)) return name;
  return {};
}

}  // namespace

std::string faults_of(std::string_view resource) {
  fhir::JsonTape tape;
  if (const Status read = tape.parse(resource); !read) return read.error().message;
  const JsonView top(tape, 0);
  const std::string type(top.text_of("resourceType"));
  if (type.empty()) return "no resourceType";
  if (const std::string missing = missing_member(top); !missing.empty()) return type + "." + missing + " is missing";
  return check(top, {}, type);
}

}  // namespace omrsync::openmrs
