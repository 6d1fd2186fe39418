#include <array>

#include "adapters/openmrs/fhir/types.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kSystem = "http://fhir.openmrs.org/ext/provider/identifier";
constexpr std::array kIdentifier = {Rule{"value", "identifier", "", write_text, read_text}};

bool write_identifier(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  const std::size_t before = to.json.buffer().size();
  to.json.key(rule.member);
  to.json.open_array();
  to.json.open_object();
  to.json.member("system", kSystem);
  const bool any = write_rules(to, row, kIdentifier);
  to.json.close_object();
  to.json.close_array();
  if (!any) to.json.buffer().resize(before);
  return any;
}

Result<bool> read_identifier(ElementReader& from, RowReader& row, const Rule&, JsonView value) {
  bool exact = value.is_array() && value.count() == 1;
  for (const JsonView item : value.items()) {
    const auto text = item.find("value");
    if (item.text_of("system") != kSystem || !text) return false;
    OMRSYNC_TRY(read, read_text(from, row, kIdentifier.front(), *text));
    return exact && read && item.count() == 2;
  }
  return false;
}

constexpr std::array kRules = {
    Rule{"identifier", "identifier", "", write_identifier, read_identifier},
    Rule{"active", "retired", "0=true 1=false", write_flag, read_flag},
};

constexpr Type kType{"Practitioner", "provider", kRules};

}  // namespace

const Type& practitioner_type() noexcept { return kType; }

}  // namespace omrsync::openmrs::fhir
