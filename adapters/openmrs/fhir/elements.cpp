#include "adapters/openmrs/fhir/elements.h"

#include <algorithm>

#include "adapters/openmrs/fhir/primitives.h"

namespace omrsync::openmrs::fhir {
namespace {

/// A cell read by an element. A cell that it could not read makes it inexact.
bool add(RowReader& row, std::string_view column, std::string_view text, bool exact) {
  if (text.empty()) return false;
  row.add_element(column, text);
  return exact;
}

}  // namespace

const Rule* find_rule(std::span<const Rule> rules, std::string_view member) noexcept {
  for (const Rule& rule : rules)
    if (rule.member == member) return &rule;
  return nullptr;
}

void write_coded(JsonOut& json, std::string_view system, std::string_view code) {
  json.open_object();
  json.key("coding");
  json.open_array();
  json.open_object();
  if (!system.empty()) json.member("system", system);
  json.member("code", code);
  json.close_object();
  json.close_array();
  json.close_object();
}

std::string_view read_coded(JsonView value, std::string_view system, bool& exact) {
  const auto codings = value.find("coding");
  exact = value.count() == 1;
  if (!codings || !codings->is_array()) return {};
  exact = exact && codings->count() == 1;
  for (const JsonView coding : codings->items()) {
    if (coding.text_of("system") != system) continue;
    exact = exact && coding.count() == (system.empty() ? 1U : 2U);
    return coding.text_of("code");
  }
  return {};
}

bool write_text(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_string(cell->text)) return false;
  to.json.member(rule.member, cell->text);
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_text(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  return add(row, rule.column, value.is_text() ? value.text() : std::string_view(), true);
}

bool write_number(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_decimal(cell->text)) return false;
  to.json.member_raw(rule.member, cell->text);
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_number(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  return add(row, rule.column, value.kind() == JsonKind::number ? value.text() : std::string_view(), true);
}

bool write_date(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_date(cell->text)) return false;
  to.json.member(rule.member, cell->text);
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_date(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  return add(row, rule.column, value.is_text() && is_fhir_date(value.text()) ? value.text() : std::string_view(), true);
}

bool write_date_time(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || (!rule.detail.empty() && cell->text.size() != 19)) return false;
  std::string& out = to.json.buffer();
  const std::size_t before = out.size();
  to.json.key(rule.member);
  out.push_back('"');
  if (!append_date_time(out, cell->text, to.zone, rule.detail)) {
    out.resize(before);
    return false;
  }
  out.push_back('"');
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_date_time(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  return add(row, rule.column, wall_clock_of(value, rule.detail), true);
}

bool write_reference(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_id(cell->text)) return false;
  to.json.key(rule.member);
  to.json.open_object();
  to.json.member("reference", rule.detail, cell->text);
  to.json.close_object();
  to.source.tell(row, *cell);
  return true;
}

std::string_view referenced_id(JsonView reference, std::string_view type) noexcept {
  const std::string_view text = reference.text_of("reference");
  return text.starts_with(type) && is_fhir_id(text.substr(type.size())) ? text.substr(type.size()) : std::string_view();
}

Result<bool> read_reference(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  return add(row, rule.column, referenced_id(value, rule.detail), value.count() == 1);
}

bool write_concept(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_code(cell->text)) return false;
  to.json.key(rule.member);
  write_coded(to.json, rule.detail, cell->text);
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_concept(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  bool exact = false;
  const std::string_view code = read_coded(value, rule.detail, exact);
  return add(row, rule.column, code, exact);
}

bool write_concept_list(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_code(cell->text)) return false;
  to.json.key(rule.member);
  to.json.open_array();
  write_coded(to.json, rule.detail, cell->text);
  to.json.close_array();
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_concept_list(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  for (const JsonView item : value.items()) {
    bool exact = false;
    const std::string_view code = read_coded(item, rule.detail, exact);
    return add(row, rule.column, code, exact && value.count() == 1);
  }
  return false;
}

bool write_quantity(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  if (cell == nullptr || !is_fhir_decimal(cell->text)) return false;
  to.json.key(rule.member);
  to.json.open_object();
  to.json.member_raw("value", cell->text);
  to.json.close_object();
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_quantity(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  const auto number = value.find("value");
  if (!number || number->kind() != JsonKind::number) return false;
  return add(row, rule.column, number->text(), value.count() == 1);
}

std::string_view code_of(std::string_view codes, std::string_view text) noexcept {
  while (!codes.empty()) {
    const std::string_view pair = codes.substr(0, codes.find(' '));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == text) return pair.substr(equals + 1);
    codes.remove_prefix(std::min(codes.size(), pair.size() + 1));
  }
  return {};
}

std::string_view text_of_code(std::string_view codes, std::string_view code) noexcept {
  while (!codes.empty()) {
    const std::string_view pair = codes.substr(0, codes.find(' '));
    const std::size_t equals = pair.find('=');
    if (pair.substr(equals + 1) == code) return pair.substr(0, equals);
    codes.remove_prefix(std::min(codes.size(), pair.size() + 1));
  }
  return {};
}

bool write_code(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  const std::string_view code = cell != nullptr ? code_of(rule.detail, cell->text) : std::string_view();
  if (code.empty()) return false;
  to.json.member(rule.member, code);
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_code(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  return add(row, rule.column, text_of_code(rule.detail, value.is_text() ? value.text() : std::string_view()), true);
}

bool write_flag(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  const std::string_view code = cell != nullptr ? code_of(rule.detail, cell->text) : std::string_view();
  if (code.empty()) return false;
  to.json.member_raw(rule.member, code);
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_flag(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  if (value.kind() != JsonKind::truth && value.kind() != JsonKind::falsehood) return false;
  return add(row, rule.column, text_of_code(rule.detail, value.kind() == JsonKind::truth ? "true" : "false"), true);
}

bool write_constant(ElementWriter& to, const SourceRow&, const Rule& rule) {
  to.json.member_raw(rule.member, rule.detail);
  return true;
}

Result<bool> read_constant(ElementReader&, RowReader&, const Rule& rule, JsonView value) {
  return value.to_string() == rule.detail;
}

bool write_rules(ElementWriter& to, const SourceRow& row, std::span<const Rule> rules) {
  bool any = false;
  std::string_view chosen;
  for (const Rule& rule : rules) {
    if (rule.write == nullptr || (!rule.choice.empty() && rule.choice == chosen)) continue;
    if (!rule.write(to, row, rule)) continue;
    any = true;
    chosen = rule.choice;
  }
  return any;
}

bool write_object(ElementWriter& to, const SourceRow& row, std::string_view name, std::span<const Rule> rules) {
  const std::size_t before = to.json.buffer().size();
  to.json.key(name);
  to.json.open_object();
  const bool any = write_rules(to, row, rules);
  to.json.close_object();
  if (!any) to.json.buffer().resize(before);
  return any;
}

Result<bool> read_object(ElementReader& from, RowReader& row, JsonView object, std::span<const Rule> rules) {
  bool exact = object.is_object();
  for (const JsonMember member : object.members()) {
    const Rule* rule = find_rule(rules, member.name);
    if (rule == nullptr) {
      exact = false;
      continue;
    }
    OMRSYNC_TRY(read, rule->read(from, row, *rule, member.value));
    exact = exact && read;
  }
  return exact;
}

void write_texts(ElementWriter& to, ExtensionsOut& out, const SourceRow& row, std::string_view url,
                 std::string_view columns) {
  bool open = false;
  std::string child(url);
  child.push_back('#');
  for (std::string_view rest = columns; !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    SourceCell* cell = to.source.take(row, pair.substr(equals + 1));
    if (cell == nullptr || !is_fhir_string(cell->text)) continue;
    JsonOut& json = out.begin();
    if (!open) {
      json.open_object();
      json.member("url", url);
      json.key("extension");
      json.open_array();
    }
    open = true;
    write_cell(json, child, pair.substr(0, equals), Form::text, {}, cell->text, to.zone);
    to.source.tell(row, *cell);
  }
  if (!open) return;
  out.begin().close_array();
  out.begin().close_object();
}

Result<bool> read_texts(JsonView extension, RowReader& row, std::string_view url, std::string_view columns) {
  const auto children = extension.find("extension");
  bool exact = extension.count() == 2 && children;
  if (!children) return exact;
  for (const JsonView child : children->items()) {
    const std::string_view name = child.text_of("url");
    const auto value = value_of(child);
    const std::string_view column = name.starts_with(url) && name.size() > url.size() && name[url.size()] == '#'
                                        ? code_of(columns, name.substr(url.size() + 1))
                                        : std::string_view();
    exact = exact && child.count() == 2 && !column.empty() && value && value->name == "valueString" &&
            add(row, column, value->value.text(), true);
  }
  return exact;
}

}  // namespace omrsync::openmrs::fhir
