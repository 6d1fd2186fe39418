#include <array>

#include "adapters/openmrs/fhir/primitives.h"
#include "adapters/openmrs/fhir/types.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kAddressUrl = "http://fhir.openmrs.org/ext/address";
constexpr std::string_view kAddressLines =
    "address1=address1 address2=address2 address3=address3 address4=address4 address5=address5 address6=address6"
    " address7=address7 address8=address8 address9=address9 address10=address10 address11=address11"
    " address12=address12 address13=address13 address14=address14 address15=address15";

bool write_lines(ElementWriter& to, const SourceRow& row, const Rule&) {
  const std::size_t before = to.json.buffer().size();
  ExtensionsOut extensions(to.json);
  write_texts(to, extensions, row, kAddressUrl, kAddressLines);
  extensions.end();
  return to.json.buffer().size() != before;
}

Result<bool> read_lines(ElementReader&, RowReader& row, const Rule&, JsonView value) {
  bool exact = value.is_array();
  for (const JsonView extension : value.items()) {
    const bool is_lines = extension.text_of("url") == kAddressUrl;
    if (is_lines) {
      OMRSYNC_TRY(read, read_texts(extension, row, kAddressUrl, kAddressLines));
      exact = exact && read;
    }
    exact = exact && is_lines;
  }
  return exact;
}

constexpr std::array kAddress = {
    Rule{"extension", "", "", write_lines, read_lines},
    Rule{"city", "city_village", "", write_text, read_text},
    Rule{"state", "state_province", "", write_text, read_text},
    Rule{"postalCode", "postal_code", "", write_text, read_text},
    Rule{"country", "country", "", write_text, read_text},
};

bool write_address(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  return write_object(to, row, rule.member, kAddress);
}

Result<bool> read_address(ElementReader& from, RowReader& row, const Rule&, JsonView value) {
  return read_object(from, row, value, kAddress);
}

constexpr std::array kPosition = {Rule{"longitude", "longitude", "", write_number, read_number},
                                  Rule{"latitude", "latitude", "", write_number, read_number}};

/// R4 wants both or none; OpenMRS's own module takes only what is not below zero.
bool write_position(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  for (const Rule& each : kPosition) {
    const SourceCell* cell = to.source.take(row, each.column);
    if (cell == nullptr || !is_fhir_decimal(cell->text) || cell->text.front() == '-') return false;
  }
  return write_object(to, row, rule.member, kPosition);
}

Result<bool> read_position(ElementReader& from, RowReader& row, const Rule&, JsonView value) {
  return read_object(from, row, value, kPosition);
}

constexpr std::array kRules = {
    Rule{"status", "retired", "0=active 1=inactive", write_code, read_code},
    Rule{"name", "name", "", write_text, read_text},
    Rule{"description", "description", "", write_text, read_text},
    Rule{"type", "location_type_concept_id", "", write_concept_list, read_concept_list},
    Rule{"address", "", "", write_address, read_address},
    Rule{"position", "", "", write_position, read_position},
    Rule{"partOf", "parent_location", "Location/", write_reference, read_reference},
};

constexpr Type kType{"Location", "location", kRules, {}, {}, "/audit", " latitude longitude "};

}  // namespace

const Type& location_type() noexcept { return kType; }

}  // namespace omrsync::openmrs::fhir
