#include <array>

#include "adapters/openmrs/fhir/primitives.h"
#include "adapters/openmrs/fhir/types.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kUnknown = R"("unknown")";
constexpr std::string_view kAmbulatory =
    R"({"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"})";
constexpr std::string_view kEncounterType = "http://fhir.openmrs.org/code-system/encounter-type";
constexpr std::string_view kVisitType = "http://fhir.openmrs.org/code-system/visit-type";

constexpr std::string_view kProviderTable = "encounter_provider";
constexpr Rule kIndividual{"individual", "provider_id", "Practitioner/", write_reference, read_reference};

bool can_participate(Source& source, const SourceRow& row) {
  const SourceCell* provider = source.take(row, kIndividual.column);
  return provider != nullptr && is_fhir_id(provider->text);
}

/// A participant has no id in FHIR: the row's key stands in an extension.
void write_participant(ElementWriter& to, const SourceRow& row) {
  write_rules(to, row, {&kIndividual, 1});
  ExtensionsOut extensions(to.json);
  write_cell(extensions.begin(), kNode, "/encounter_provider/uuid", Form::text, {}, row.key, to.zone);
  write_row_extensions(to, extensions, row);
  extensions.end();
}

bool write_participants(ElementWriter& to, const SourceRow&, const Rule& rule) {
  return write_items(to, rule.member, kProviderTable, can_participate, write_participant);
}

Result<bool> read_participant(ElementReader& from, JsonView item) {
  const auto extensions = item.find("extension");
  const auto individual = item.find(kIndividual.member);
  if (!extensions || !individual) return false;
  RowReader row(from.facts.of(kProviderTable, false), false);
  std::string_view key;
  OMRSYNC_TRY(exact, kIndividual.read(from, row, kIndividual, *individual));
  exact = exact && item.count() == 2;
  for (const JsonView extension : extensions->items()) {
    if (key.empty() && extension.text_of("url") == "urn:x-omrs-sync:ext/encounter_provider/uuid") {
      OMRSYNC_TRY(text, read_cell(extension));
      key = text;
      continue;
    }
    OMRSYNC_TRY(known, read_row_extension(extension, kProviderTable, row));
    exact = exact && known;
  }
  if (key.empty()) return false;
  OMRSYNC_CHECK(finish_item(row, kProviderTable, key, from.into));
  return exact;
}

Result<bool> read_participants(ElementReader& from, RowReader&, const Rule&, JsonView value) {
  return read_items(from, value, read_participant);
}

constexpr std::array kPeriod = {Rule{"start", "encounter_datetime", "", write_date_time, read_date_time}};
constexpr std::array kVisitPeriod = {Rule{"start", "date_started", "", write_date_time, read_date_time},
                                     Rule{"end", "date_stopped", "", write_date_time, read_date_time}};

bool write_period(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  return write_object(to, row, rule.member, kPeriod);
}
Result<bool> read_period(ElementReader& from, RowReader& row, const Rule&, JsonView value) {
  return read_object(from, row, value, kPeriod);
}
bool write_visit_period(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  return write_object(to, row, rule.member, kVisitPeriod);
}
Result<bool> read_visit_period(ElementReader& from, RowReader& row, const Rule&, JsonView value) {
  return read_object(from, row, value, kVisitPeriod);
}

constexpr std::array kLocation = {Rule{"location", "location_id", "Location/", write_reference, read_reference}};

bool write_location(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  const std::size_t before = to.json.buffer().size();
  to.json.key(rule.member);
  to.json.open_array();
  to.json.open_object();
  const bool any = write_rules(to, row, kLocation);
  to.json.close_object();
  to.json.close_array();
  if (!any) to.json.buffer().resize(before);
  return any;
}

Result<bool> read_location(ElementReader& from, RowReader& row, const Rule&, JsonView value) {
  for (const JsonView item : value.items()) {
    OMRSYNC_TRY(exact, read_object(from, row, item, kLocation));
    return exact && value.count() == 1;
  }
  return false;
}

constexpr std::array kRules = {
    Rule{"status", "", kUnknown, write_constant, read_constant},
    Rule{"class", "", kAmbulatory, write_constant, read_constant},
    Rule{"type", "encounter_type", kEncounterType, write_concept_list, read_concept_list},
    Rule{"subject", "patient_id", "Patient/", write_reference, read_reference},
    Rule{"participant", "", "", write_participants, read_participants},
    Rule{"period", "", "", write_period, read_period},
    Rule{"location", "", "", write_location, read_location},
    Rule{"partOf", "visit_id", "Encounter/", write_reference, read_reference},
};

constexpr std::array kVisitRules = {
    Rule{"status", "", kUnknown, write_constant, read_constant},
    Rule{"class", "", kAmbulatory, write_constant, read_constant},
    Rule{"type", "visit_type_id", kVisitType, write_concept_list, read_concept_list},
    Rule{"subject", "patient_id", "Patient/", write_reference, read_reference},
    Rule{"period", "", "", write_visit_period, read_visit_period},
    Rule{"location", "", "", write_location, read_location},
};

constexpr Type kType{"Encounter", "encounter", kRules};
constexpr Type kVisit{"Encounter", "visit", kVisitRules};

}  // namespace

const Type& encounter_type() noexcept { return kType; }
const Type& visit_type() noexcept { return kVisit; }

}  // namespace omrsync::openmrs::fhir
