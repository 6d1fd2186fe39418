#include "tests/adapters/fhir/fixture.h"

#include <array>
#include <sstream>

namespace omrsync::openmrs {
namespace {

constexpr std::string_view kVoid =
    " creator:int>users date_created:datetime changed_by:int>users date_changed:datetime voided:bool"
    " voided_by:int>users date_voided:datetime void_reason:text uuid:text";
constexpr std::string_view kRetire =
    " creator:int>users date_created:datetime changed_by:int>users date_changed:datetime retired:bool"
    " retired_by:int>users date_retired:datetime retire_reason:text uuid:text";

struct Line {
  std::string_view table;
  std::string_view owner;  ///< empty: a root
  std::string_view columns;
  std::string_view common;
};

constexpr std::array kTables = {
    Line{"location", "",
         "name:text description:text address1:text address2:text city_village:text state_province:text"
         " postal_code:text country:text latitude:text longitude:text county_district:text address3:text"
         " address15:text parent_location:int>location location_type_concept_id:int>concept",
         kRetire},
    Line{"location_attribute", "location", "location_id:int>location attribute_type_id:int>location_attribute_type value_reference:text", kVoid},
    Line{"person", "",
         "gender:text birthdate:date birthdate_estimated:bool dead:bool death_date:datetime"
         " cause_of_death:int>concept deathdate_estimated:bool birthtime:time cause_of_death_non_coded:text",
         kVoid},
    Line{"person_name", "person",
         "preferred:bool prefix:text given_name:text middle_name:text family_name_prefix:text family_name:text"
         " family_name2:text family_name_suffix:text degree:text",
         kVoid},
    Line{"person_address", "person",
         "preferred:bool address1:text address2:text city_village:text state_province:text postal_code:text"
         " country:text latitude:text longitude:text start_date:datetime end_date:datetime county_district:text"
         " address3:text address6:text",
         kVoid},
    Line{"person_attribute", "person", "value:text person_attribute_type_id:int>person_attribute_type", kVoid},
    Line{"patient", "person", "allergy_status:text", kVoid},
    Line{"patient_identifier", "person",
         "identifier:text identifier_type:int>patient_identifier_type preferred:bool location_id:int>location"
         " patient_program_id:int>patient_program",
         kVoid},
    Line{"provider", "",
         "person_id:int>person name:text identifier:text role_id:int>concept speciality_id:int>concept"
         " provider_role_id:int>provider_role",
         kRetire},
    Line{"provider_attribute", "provider", "attribute_type_id:int>provider_attribute_type value_reference:text", kVoid},
    Line{"visit", "",
         "patient_id:int>patient visit_type_id:int>visit_type date_started:datetime date_stopped:datetime"
         " indication_concept_id:int>concept location_id:int>location",
         kVoid},
    Line{"visit_attribute", "visit", "attribute_type_id:int>visit_attribute_type value_reference:text", kVoid},
    Line{"encounter", "",
         "encounter_type:int>encounter_type patient_id:int>patient location_id:int>location form_id:int>form"
         " encounter_datetime:datetime visit_id:int>visit",
         kVoid},
    Line{"encounter_provider", "encounter", "provider_id:int>provider encounter_role_id:int>encounter_role", kVoid},
    Line{"obs", "",
         "person_id:int>person concept_id:int>concept encounter_id:int>encounter order_id:int>orders"
         " obs_datetime:datetime location_id:int>location obs_group_id:int>obs accession_number:text"
         " value_group_id:int>obs value_coded:int>concept value_coded_name_id:int>concept_name value_drug:int>drug"
         " value_datetime:datetime value_numeric:real value_modifier:text value_text:text value_complex:text"
         " comments:text previous_version:int>obs form_namespace_and_path:text status:text interpretation:text"
         " creator:int>users date_created:datetime voided:bool voided_by:int>users date_voided:datetime"
         " void_reason:text uuid:text",
         ""},
    Line{"obs_reference_range", "obs",
         "hi_absolute:real hi_critical:real hi_normal:real low_absolute:real low_critical:real low_normal:real"
         " uuid:text",
         ""},
    Line{"note", "",
         "note_type:text patient_id:int>patient obs_id:int>obs encounter_id:int>encounter text:text priority:int"
         " parent:int>note weight:decimal table:text blob_data:bytes",
         kVoid},
    Line{"user_role", "", "user_id:int>users role:text>role", ""},
};

ColumnType type_of(std::string_view name) {
  if (name == "int") return ColumnType::integer;
  if (name == "bool") return ColumnType::boolean;
  if (name == "real") return ColumnType::real;
  if (name == "decimal") return ColumnType::decimal;
  if (name == "date") return ColumnType::date;
  if (name == "datetime") return ColumnType::datetime;
  if (name == "time") return ColumnType::time;
  if (name == "bytes") return ColumnType::bytes;
  return ColumnType::text;
}

Table table_of(const Line& line) {
  Table table;
  table.name = line.table;
  std::istringstream words(std::string(line.columns) + std::string(line.common));
  for (std::string word; words >> word;) {
    Column column;
    const std::size_t colon = word.find(':');
    const std::size_t arrow = word.find('>');
    column.name = word.substr(0, colon);
    column.type = type_of(word.substr(colon + 1, arrow == std::string::npos ? arrow : arrow - colon - 1));
    if (arrow != std::string::npos) column.references = word.substr(arrow + 1);
    table.columns.push_back(column);
  }
  table.has_uuid = table.find("uuid") != nullptr;
  return table;
}

}  // namespace

std::shared_ptr<const Model> fixture_model() {
  auto model = std::make_shared<Model>();
  for (const Line& line : kTables) {
    model->schema.emplace(line.table, table_of(line));
    TablePart part;
    part.table = line.table;
    part.identity = line.table == "user_role" ? Identity::natural : Identity::uuid;
    if (line.owner.empty()) {
      model->roots.push_back({ports::RootTable::Class::clinical, part, {}, true});
    } else {
      part.owner_column = std::string(line.owner) + "_id";
      model->roots.back().owned.push_back(part);
    }
  }
  return model;
}

std::unique_ptr<FhirCodec> fixture_codec(const std::string& timezone) {
  return std::move(FhirCodec::create(fixture_model(), SiteSettings{timezone})).value();
}

std::unique_ptr<FhirCodec> ignorant_codec(const std::string& timezone) {
  return std::move(FhirCodec::create(std::make_shared<Model>(), SiteSettings{timezone})).value();
}

}  // namespace omrsync::openmrs
