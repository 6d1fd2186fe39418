#include "adapters/openmrs/fhir/typed_value.h"

#include <cstring>
#include <string>

#include "adapters/openmrs/fhir/primitives.h"

namespace omrsync::openmrs::fhir {
namespace {

void write_base64(JsonOut& json, std::string_view bytes) {
  json.key("valueBase64Binary");
  json.verbatim("\"");
  append_base64(json.buffer(), bytes);
  json.verbatim("\"");
}

/// Text of no other form.
void write_text(JsonOut& json, std::string_view text) {
  if (text.empty()) {
    json.member("valueCode", "empty");
  } else if (is_fhir_string(text)) {
    json.member("valueString", text);
  } else {
    write_base64(json, text);
  }
}

bool write_date_time(JsonOut& json, std::string_view text, const Zone& zone) {
  const std::size_t before = json.buffer().size();
  json.key("valueDateTime");
  json.verbatim("\"");
  if (!append_date_time(json.buffer(), text, zone)) {
    json.buffer().resize(before);
    return false;
  }
  json.verbatim("\"");
  return true;
}

bool write_reference(JsonOut& json, std::string_view target, std::string_view text) {
  if (!is_fhir_id(text)) return false;
  json.key("valueReference");
  json.open_object();
  json.member("reference", target, text);
  json.close_object();
  return true;
}

bool write_coding(JsonOut& json, std::string_view system, std::string_view text) {
  if (!is_fhir_code(text)) return false;
  json.key("valueCoding");
  json.open_object();
  json.member("system", system);
  json.member("code", text);
  json.close_object();
  return true;
}

bool write_typed(JsonOut& json, Form form, std::string_view target, std::string_view text, const Zone& zone) {
  switch (form) {
    case Form::boolean:
      if (text != "0" && text != "1") break;
      json.member_raw("valueBoolean", text == "1" ? "true" : "false");
      return true;
    case Form::integer:
      break;
    case Form::number:
      if (!is_fhir_decimal(text)) return false;
      json.member_raw("valueDecimal", text);
      return true;
    case Form::text:
      return false;
    case Form::date:
      if (!is_fhir_date(text)) return false;
      json.member("valueDate", text);
      return true;
    case Form::date_time:
      return write_date_time(json, text, zone);
    case Form::time:
      if (!is_fhir_time(text)) return false;
      json.member("valueTime", text);
      return true;
    case Form::reference:
      return write_reference(json, target, text);
    case Form::coding:
      return write_coding(json, target, text);
  }
  if (!is_fhir_integer(text)) return false;
  json.member_raw("valueInteger", text);
  return true;
}

Result<std::string_view> read_code(std::string_view code) {
  if (code == "empty") return std::string_view();
  return malformed("Extension.valueCode", "an unknown code");
}

Result<std::string_view> read_reference(JsonView value) {
  const std::string_view reference = value.text_of("reference");
  const std::size_t slash = reference.find('/');
  if (value.count() != 1 || slash == std::string_view::npos || !is_fhir_id(reference.substr(slash + 1)))
    return malformed("Extension.valueReference", "not a relative reference");
  return reference.substr(slash + 1);
}

Result<std::string_view> read_string(std::string_view type, JsonView value) {
  if (type == "String" || type == "Date" || type == "Time") return value.text();
  if (type == "Code") return read_code(value.text());
  if (type == "DateTime") {
    const std::string_view text = wall_clock_of(value);
    if (text.empty()) return malformed("Extension.valueDateTime", "not a time with seconds and offset");
    return text;
  }
  if (type == "Base64Binary") {
    char* room = value.room(value.text().size());
    const auto size = decode_base64(value.text(), room);
    if (!size) return malformed("Extension.valueBase64Binary", "not base64");
    return std::string_view(room, *size);
  }
  return malformed("Extension.value[x]", "a type that no column has");
}

}  // namespace

Error malformed(std::string_view place, std::string_view what) {
  return Error{Remedy::set_aside, Code::fhir_malformed, std::string(place) + ": " + std::string(what)};
}

void write_cell(JsonOut& json, std::string_view url_head, std::string_view url_tail, Form form, std::string_view target,
                std::string_view text, const Zone& zone) {
  json.open_object();
  json.member("url", url_head, url_tail);
  if (!write_typed(json, form, target, text, zone)) write_text(json, text);
  json.close_object();
}

void write_name(JsonOut& json, std::string_view url, std::string_view name) {
  json.open_object();
  json.member("url", url);
  if (is_fhir_string(name)) {
    json.member("valueString", name);
  } else if (name.empty()) {
    json.member_raw("valueBoolean", "true");
  } else {
    write_base64(json, name);
  }
  json.close_object();
}

bool append_date_time(std::string& out, std::string_view text, const Zone& zone, std::string_view fraction) {
  const auto seconds = wall_clock_seconds(text);
  if (!seconds) return false;
  const std::string_view offset = zone.offset_at(*seconds);
  if (offset.empty()) return false;
  out.append(text.substr(0, 10));
  out.push_back('T');
  out.append(text.substr(11));
  out.append(fraction);
  out.append(offset);
  return true;
}

std::string_view wall_clock_of(JsonView value, std::string_view fraction) {
  if (!value.is_text()) return {};
  const std::string_view text = value.text();
  if (text.size() < 25 + fraction.size() || text[10] != 'T') return {};
  const char sign = text[text.size() - 6];
  if ((sign != '+' && sign != '-') || text[text.size() - 3] != ':') return {};
  std::string_view local = text.substr(0, text.size() - 6);
  if (!local.ends_with(fraction)) return {};
  local.remove_suffix(fraction.size());
  char* room = value.room(local.size());
  std::memcpy(room, local.data(), local.size());
  room[10] = ' ';
  const std::string_view wall_clock(room, local.size());
  return wall_clock_seconds(wall_clock) ? wall_clock : std::string_view();
}

std::optional<JsonMember> value_of(JsonView extension) noexcept {
  std::optional<JsonMember> found;
  for (const JsonMember member : extension.members()) {
    if (member.name == "url") continue;
    if (found || !member.name.starts_with("value")) return std::nullopt;
    found = member;
  }
  return found;
}

Result<std::string_view> read_cell(JsonView extension) {
  const auto member = value_of(extension);
  if (!member) return malformed("Extension", "not exactly one value");
  const std::string_view type = member->name.substr(5);
  const JsonView value = member->value;
  switch (value.kind()) {
    case JsonKind::truth:
      return std::string_view("1");
    case JsonKind::falsehood:
      return std::string_view("0");
    case JsonKind::number:
      return value.text();
    case JsonKind::text:
      return read_string(type, value);
    case JsonKind::object:
      if (type == "Reference") return read_reference(value);
      if (type == "Coding" && !value.text_of("code").empty()) return value.text_of("code");
      break;
    case JsonKind::array:
    case JsonKind::null:
      break;
  }
  return malformed("Extension.value[x]", "a type that no column has");
}

}  // namespace omrsync::openmrs::fhir
