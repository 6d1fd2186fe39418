#include <array>

#include "adapters/openmrs/fhir/primitives.h"
#include "adapters/openmrs/fhir/types.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kRangeTable = "obs_reference_range";
constexpr std::string_view kMeaning = "http://terminology.hl7.org/CodeSystem/referencerange-meaning";
constexpr std::string_view kAbsolute = "http://fhir.openmrs.org/ext/obs/reference-range";
constexpr std::string_view kInterpretation = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
constexpr std::string_view kOwnInterpretation = "http://fhir.openmrs.org/ext/obs/interpretations";
constexpr std::string_view kInterpretations =
    "NORMAL=N ABNORMAL=A CRITICALLY_ABNORMAL=AA NEGATIVE=NEG POSITIVE=POS CRITICALLY_LOW=LL LOW=L HIGH=H"
    " CRITICALLY_HIGH=HH VERY_SUSCEPTIBLE=VS SUSCEPTIBLE=S INTERMEDIATE=I RESISTANT=R SIGNIFICANT_CHANGE_DOWN=D"
    " SIGNIFICANT_CHANGE_UP=U OFF_SCALE_LOW=< OFF_SCALE_HIGH=>";

/// R4 requires a status: `unknown` where the row has none of the three.
bool write_status(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  if (!write_code(to, row, rule)) to.json.member(rule.member, "unknown");
  return true;
}

Result<bool> read_status(ElementReader& from, RowReader& row, const Rule& rule, JsonView value) {
  if (value.is_text() && value.text() == "unknown") return true;
  return read_code(from, row, rule, value);
}

/// Observation.subject is a patient; obs of other persons keep them in an extension.
bool write_subject(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  const SourceCell* person = to.source.find(row, rule.column);
  if (person != nullptr && to.lookup != nullptr && to.lookup->is_no_patient(person->text)) return false;
  return write_reference(to, row, rule);
}

std::string_view system_of(std::string_view interpretation) noexcept {
  return interpretation == "VS" ? kOwnInterpretation : kInterpretation;
}

bool write_interpretation(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* cell = to.source.take(row, rule.column);
  const std::string_view code = cell != nullptr ? code_of(kInterpretations, cell->text) : std::string_view();
  if (code.empty()) return false;
  to.json.key(rule.member);
  to.json.open_array();
  write_coded(to.json, system_of(code), code);
  to.json.close_array();
  to.source.tell(row, *cell);
  return true;
}

Result<bool> read_interpretation(ElementReader&, RowReader& row, const Rule& rule, JsonView value) {
  for (const JsonView item : value.items()) {
    bool exact = false;
    for (const std::string_view system : {kInterpretation, kOwnInterpretation}) {
      const std::string_view code = read_coded(item, system, exact);
      const std::string_view text = text_of_code(kInterpretations, code);
      if (text.empty() || system_of(code) != system) continue;
      row.add_element(rule.column, text);
      return exact && value.count() == 1;
    }
    break;
  }
  return false;
}

constexpr std::array kNormal = {Rule{"low", "low_normal", "", write_quantity, read_quantity},
                                Rule{"high", "hi_normal", "", write_quantity, read_quantity}};
constexpr std::array kCritical = {Rule{"low", "low_critical", "", write_quantity, read_quantity},
                                  Rule{"high", "hi_critical", "", write_quantity, read_quantity}};
constexpr std::array kLimits = {Rule{"low", "low_absolute", "", write_quantity, read_quantity},
                                Rule{"high", "hi_absolute", "", write_quantity, read_quantity}};

struct Range {
  std::string_view system;
  std::string_view code;
  std::span<const Rule> bounds;
};

constexpr std::array kRanges = {Range{kMeaning, "normal", kNormal}, Range{kMeaning, "treatment", kCritical},
                                Range{kAbsolute, "absolute", kLimits}};

void write_range(ElementWriter& to, const SourceRow& row, const Range& range) {
  const std::size_t before = to.json.buffer().size();
  to.json.open_object();
  if (!write_rules(to, row, range.bounds)) {
    to.json.buffer().resize(before);
    return;
  }
  to.json.key("type");
  write_coded(to.json, range.system, range.code);
  to.json.close_object();
}

bool write_ranges(ElementWriter& to, const SourceRow&, const Rule& rule) {
  const SourceRow* row = to.once(kRangeTable);
  if (row == nullptr) return false;
  const std::size_t before = to.json.buffer().size();
  to.json.key(rule.member);
  to.json.open_array();
  const std::size_t open = to.json.buffer().size();
  for (const Range& range : kRanges) write_range(to, *row, range);
  const bool any = to.json.buffer().size() != open;
  to.json.close_array();
  if (!any) to.json.buffer().resize(before);
  return any;
}

Result<bool> read_range(ElementReader& from, JsonView item) {
  const auto type = item.find("type");
  if (!type) return false;
  for (const Range& range : kRanges) {
    bool exact = false;
    if (read_coded(*type, range.system, exact) != range.code) continue;
    for (const JsonMember member : item.members()) {
      if (member.name == "type") continue;
      bool known = false;
      for (const Rule& bound : range.bounds) {
        if (bound.member != member.name) continue;
        OMRSYNC_TRY(read, bound.read(from, from.reader_of(kRangeTable), bound, member.value));
        known = read;
      }
      exact = exact && known;
    }
    return exact;
  }
  return false;
}

Result<bool> read_ranges(ElementReader& from, RowReader&, const Rule&, JsonView value) {
  bool exact = value.is_array();
  for (const JsonView item : value.items()) {
    OMRSYNC_TRY(read, read_range(from, item));
    exact = exact && read;
  }
  return exact;
}

constexpr std::array kRules = {
    Rule{"status", "status", "FINAL=final PRELIMINARY=preliminary AMENDED=amended", write_status, read_status},
    Rule{"code", "concept_id", "", write_concept, read_concept},
    Rule{"subject", "person_id", "Patient/", write_subject, read_reference},
    Rule{"encounter", "encounter_id", "Encounter/", write_reference, read_reference},
    Rule{"effectiveDateTime", "obs_datetime", "", write_date_time, read_date_time},
    Rule{"issued", "date_created", ".000", write_date_time, read_date_time},
    Rule{"valueCodeableConcept", "value_coded", "", write_concept, read_concept, "value"},
    Rule{"valueDateTime", "value_datetime", "", write_date_time, read_date_time, "value"},
    Rule{"valueQuantity", "value_numeric", "", write_quantity, read_quantity, "value"},
    Rule{"valueString", "value_text", "", write_text, read_text, "value"},
    Rule{"interpretation", "interpretation", "", write_interpretation, read_interpretation},
    Rule{"referenceRange", "", "", write_ranges, read_ranges},
};

constexpr Type kType{"Observation", "obs", kRules, "concept_id"};

}  // namespace

const Type& observation_type() noexcept { return kType; }

}  // namespace omrsync::openmrs::fhir
