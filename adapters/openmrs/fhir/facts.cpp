#include "adapters/openmrs/fhir/facts.h"

#include <array>
#include <utility>

#include "protocol/state.h"

namespace omrsync::openmrs::fhir {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

constexpr std::array kAudit = {
    Pair{"creator", "creator"},
    Pair{"date_created", "dateCreated"},
    Pair{"changed_by", "changedBy"},
    Pair{"date_changed", "dateChanged"},
    Pair{"voided", "voided"},
    Pair{"voided_by", "voidedBy"},
    Pair{"date_voided", "dateVoided"},
    Pair{"void_reason", "voidReason"},
    Pair{"retired", "retired"},
    Pair{"retired_by", "retiredBy"},
    Pair{"date_retired", "dateRetired"},
    Pair{"retire_reason", "retireReason"},
};

constexpr std::array kReferenceTypes = {
    Pair{"person", "Person"},         Pair{"patient", "Patient"},   Pair{"users", "Practitioner"},
    Pair{"provider", "Practitioner"}, Pair{"location", "Location"}, Pair{"encounter", "Encounter"},
    Pair{"visit", "Encounter"},       Pair{"obs", "Observation"},
};

struct Columns {
  std::string_view table;
  std::string_view group;
  std::string_view columns;  ///< with blanks around each
};

/// Groups of root tables. What is not here is in the group `row`. Never changed, only added to: it is wire format.
constexpr std::array kGroups = {
    Columns{"location", "name", " name description "},
    Columns{"location", "address",
            " address1 address2 address3 address4 address5 address6 address7 address8 address9 address10 address11"
            " address12 address13 address14 address15 city_village county_district state_province postal_code"
            " country "},
    Columns{"location", "position", " latitude longitude "},
    Columns{"location", "parent", " parent_location "},
    Columns{"location", "created", " creator date_created "},
    Columns{"person", "gender", " gender "},
    Columns{"person", "birthdate", " birthdate birthdate_estimated birthtime "},
    Columns{"person", "death", " dead death_date deathdate_estimated cause_of_death cause_of_death_non_coded "},
    Columns{"person", "created", " creator date_created "},
    Columns{"users", "name", " username system_id email "},
    Columns{"users", "person", " person_id "},
    Columns{"users", "created", " creator date_created "},
    Columns{"provider", "person", " person_id name "},
    Columns{"provider", "identifier", " identifier "},
    Columns{"provider", "role", " role_id speciality_id provider_role_id "},
    Columns{"provider", "created", " creator date_created "},
    Columns{"visit", "subject", " patient_id "},
    Columns{"visit", "type", " visit_type_id indication_concept_id "},
    Columns{"visit", "period", " date_started date_stopped "},
    Columns{"visit", "where", " location_id "},
    Columns{"visit", "created", " creator date_created "},
    Columns{"encounter", "subject", " patient_id "},
    Columns{"encounter", "type", " encounter_type form_id "},
    Columns{"encounter", "when", " encounter_datetime "},
    Columns{"encounter", "where", " location_id "},
    Columns{"encounter", "visit", " visit_id "},
    Columns{"encounter", "created", " creator date_created "},
};

std::string_view wire_group(std::string_view table, bool is_root, std::string_view column) noexcept {
  if (column == "changed_by" || column == "date_changed") return "changed";
  if (column != "creator" && column != "date_created" && !audit_name(column).empty()) return "life";
  if (!is_root) return "";
  if (column == "uuid") return "life";
  for (const Columns& each : kGroups)
    if (each.table == table && has_word(each.columns, column)) return each.group;
  return table == "obs" ? "obs" : "row";
}

Form form_of(const Column& column) noexcept {
  if (!column.references.empty()) return reference_type(column.references).empty() ? Form::coding : Form::reference;
  switch (column.type) {
    case ColumnType::boolean:
      return Form::boolean;
    case ColumnType::integer:
      return Form::integer;
    case ColumnType::real:
    case ColumnType::decimal:
      return Form::number;
    case ColumnType::date:
      return Form::date;
    case ColumnType::datetime:
      return Form::date_time;
    case ColumnType::time:
      return Form::time;
    case ColumnType::text:
    case ColumnType::bytes:
    case ColumnType::bits:
    case ColumnType::other:
      return Form::text;
  }
  return Form::text;
}

std::string target_of(const Column& column, Form form) {
  if (form == Form::reference) return std::string(reference_type(column.references)) + "/";
  if (form == Form::coding) return std::string(kNode) + "/table/" + column.references;
  return {};
}

}  // namespace

bool has_word(std::string_view words, std::string_view word) noexcept {
  for (std::size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if (at > 0 && words[at - 1] == ' ' && end < words.size() && words[end] == ' ') return true;
  }
  return false;
}

std::string_view audit_name(std::string_view column) noexcept {
  for (const auto& [name, child] : kAudit)
    if (name == column) return child;
  return {};
}

std::string_view audit_column(std::string_view name) noexcept {
  for (const auto& [column, child] : kAudit)
    if (child == name) return column;
  return {};
}

std::string_view reference_type(std::string_view table) noexcept {
  for (const auto& [name, type] : kReferenceTypes)
    if (name == table) return type;
  return {};
}

TableFacts::TableFacts(std::string_view table, bool is_root, const Table* schema) : table_(table), is_root_(is_root) {
  if (schema == nullptr) return;
  for (const Column& column : schema->columns) {
    const Form form = form_of(column);
    columns_.push_back(
        {column.name, form, target_of(column, form), wire_group(table, is_root, column.name), audit_name(column.name)});
  }
}

const ColumnFact* TableFacts::find(std::string_view column) const noexcept {
  if (column.empty()) return nullptr;
  for (const ColumnFact& fact : columns_)
    if (fact.column.size() == column.size() && fact.column.back() == column.back() && fact.column == column)
      return &fact;
  return nullptr;
}

std::string_view TableFacts::default_group(std::string_view column) const noexcept {
  const ColumnFact* known = find(column);
  return known != nullptr ? known->default_group : wire_group(table_, is_root_, column);
}

Facts::Facts(const Model& model) : unknown_root_("", true, nullptr), unknown_owned_("", false, nullptr) {
  for (const auto& [name, table] : model.schema) {
    roots_.emplace(name, TableFacts(name, true, &table));
    owned_.emplace(name, TableFacts(name, false, &table));
  }
  for (const Columns& each : kGroups) roots_.emplace(each.table, TableFacts(each.table, true, nullptr));
  roots_.emplace("obs", TableFacts("obs", true, nullptr));
  for (const Root& root : model.roots) {
    if (root.root.identity == Identity::natural) natural_.insert(root.root.table);
    for (const TablePart& part : root.owned)
      if (part.identity == Identity::owner) owned_once_.insert(part.table);
  }
}

const TableFacts& Facts::of(std::string_view table, bool is_root) const noexcept {
  const auto& tables = is_root ? roots_ : owned_;
  const auto found = tables.find(table);
  if (found != tables.end()) return found->second;
  return is_root ? unknown_root_ : unknown_owned_;
}

bool Facts::is_owned_once(std::string_view table) const noexcept { return owned_once_.contains(table); }

bool Facts::has_natural_key(std::string_view table) const noexcept { return natural_.contains(table); }

}  // namespace omrsync::openmrs::fhir
