#include <array>

#include "adapters/openmrs/fhir/primitives.h"
#include "adapters/openmrs/fhir/types.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kNameUrl = "http://fhir.openmrs.org/ext/name";
constexpr std::string_view kNameParts =
    "prefix=prefix familyNamePrefix=family_name_prefix familyName2=family_name2 familyNameSuffix=family_name_suffix"
    " degree=degree";
constexpr std::string_view kAddressUrl = "http://fhir.openmrs.org/ext/address";
constexpr std::string_view kAddressLines =
    "address1=address1 address2=address2 address3=address3 address4=address4 address5=address5 address6=address6"
    " address7=address7 address8=address8 address9=address9 address10=address10 address11=address11"
    " address12=address12 address13=address13 address14=address14 address15=address15";
constexpr std::string_view kLocationUrl = "http://fhir.openmrs.org/ext/patient/identifier#location";

// What the three kinds of items have in common.

struct Item {
  std::string_view table;
  std::span<const Rule> rules;
  std::string_view url = {};    ///< of the extension with texts
  std::string_view texts = {};  ///< its children and their columns
};

void write_item(ElementWriter& to, const SourceRow& row, const Item& item) {
  to.json.member("id", row.key);
  write_rules(to, row, item.rules);
  ExtensionsOut extensions(to.json);
  if (!item.url.empty()) write_texts(to, extensions, row, item.url, item.texts);
  if (item.table == "patient_identifier")
    write_reference_extension(to, extensions, row, kLocationUrl, "location_id", "Location/");
  write_row_extensions(to, extensions, row);
  extensions.end();
}

Result<bool> read_item_extension(JsonView extension, RowReader& row, const Item& item) {
  const std::string_view url = extension.text_of("url");
  if (!item.url.empty() && url == item.url) return read_texts(extension, row, item.url, item.texts);
  if (url == kLocationUrl && item.table == "patient_identifier") {
    const auto value = extension.find("valueReference");
    const std::string_view id = value ? referenced_id(*value, "Location/") : std::string_view();
    if (id.empty()) return false;
    row.add_element("location_id", id);
    return extension.count() == 2 && value->count() == 1;
  }
  return read_row_extension(extension, item.table, row);
}

Result<bool> read_item(ElementReader& from, JsonView value, const Item& item) {
  const std::string_view key = value.text_of("id");
  if (!is_fhir_id(key)) return false;
  RowReader row(from.facts.of(item.table, false), false);
  bool exact = true;
  for (const JsonMember member : value.members()) {
    if (member.name == "id" || member.name == "extension") continue;
    const auto* rule = find_rule(item.rules, member.name);
    if (rule == nullptr) {
      exact = false;
      continue;
    }
    OMRSYNC_TRY(read, rule->read(from, row, *rule, member.value));
    exact = exact && read;
  }
  if (const auto extensions = value.find("extension"))
    for (const JsonView extension : extensions->items()) {
      OMRSYNC_TRY(read, read_item_extension(extension, row, item));
      exact = exact && read;
    }
  OMRSYNC_CHECK(finish_item(row, item.table, key, from.into));
  return exact;
}

// Names.

/// given[0] is the given name; a middle name comes after it or not at all, for it would be taken for the given name.
bool write_given(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* given = to.source.take(row, "given_name");
  if (given == nullptr || !is_fhir_string(given->text)) return false;
  to.json.key(rule.member);
  to.json.open_array();
  to.json.text(given->text);
  to.source.tell(row, *given);
  SourceCell* middle = to.source.take(row, "middle_name");
  if (middle != nullptr && is_fhir_string(middle->text)) {
    to.json.text(middle->text);
    to.source.tell(row, *middle);
  }
  to.json.close_array();
  return true;
}

Result<bool> read_given(ElementReader&, RowReader& row, const Rule&, JsonView value) {
  constexpr std::array<std::string_view, 2> kColumns = {"given_name", "middle_name"};
  std::size_t at = 0;
  for (const JsonView item : value.items()) {
    if (at == kColumns.size() || !item.is_text()) return false;
    row.add_element(kColumns[at++], item.text());
  }
  return at > 0;
}

constexpr std::array kNameRules = {Rule{"family", "family_name", "", write_text, read_text},
                                   Rule{"given", "given_name", "", write_given, read_given}};
constexpr Item kName{"person_name", kNameRules, kNameUrl, kNameParts};

bool write_names(ElementWriter& to, const SourceRow&, const Rule& rule) {
  return write_items(to, rule.member, kName.table, nullptr,
                     [](ElementWriter& writer, const SourceRow& row) { write_item(writer, row, kName); });
}

Result<bool> read_names(ElementReader& from, RowReader&, const Rule&, JsonView value) {
  return read_items(from, value, [](ElementReader& reader, JsonView item) { return read_item(reader, item, kName); });
}

// Addresses.

constexpr std::array kAddressRules = {Rule{"use", "preferred", "1=home 0=old", write_code, read_code},
                                      Rule{"city", "city_village", "", write_text, read_text},
                                      Rule{"district", "county_district", "", write_text, read_text},
                                      Rule{"state", "state_province", "", write_text, read_text},
                                      Rule{"postalCode", "postal_code", "", write_text, read_text},
                                      Rule{"country", "country", "", write_text, read_text}};
constexpr Item kAddress{"person_address", kAddressRules, kAddressUrl, kAddressLines};

bool write_addresses(ElementWriter& to, const SourceRow&, const Rule& rule) {
  return write_items(to, rule.member, kAddress.table, nullptr,
                     [](ElementWriter& writer, const SourceRow& row) { write_item(writer, row, kAddress); });
}

Result<bool> read_addresses(ElementReader& from, RowReader&, const Rule&, JsonView value) {
  return read_items(from, value,
                    [](ElementReader& reader, JsonView item) { return read_item(reader, item, kAddress); });
}

// Identifiers of patients.

constexpr std::array kIdentifierRules = {Rule{"use", "preferred", "1=official 0=usual", write_code, read_code},
                                         Rule{"type", "identifier_type", "", write_concept, read_concept},
                                         Rule{"value", "identifier", "", write_text, read_text}};
constexpr Item kIdentifier{"patient_identifier", kIdentifierRules};

bool write_identifiers(ElementWriter& to, const SourceRow&, const Rule& rule) {
  return write_items(to, rule.member, kIdentifier.table, nullptr,
                     [](ElementWriter& writer, const SourceRow& row) { write_item(writer, row, kIdentifier); });
}

Result<bool> read_identifiers(ElementReader& from, RowReader&, const Rule&, JsonView value) {
  return read_items(from, value,
                    [](ElementReader& reader, JsonView item) { return read_item(reader, item, kIdentifier); });
}

// The person's own columns.

/// A date that is known to the day, or the year of one that is estimated; the exact day stands in an extension then.
bool write_birth_date(ElementWriter& to, const SourceRow& row, const Rule& rule) {
  SourceCell* day = to.source.take(row, "birthdate");
  SourceCell* estimated = to.source.take(row, "birthdate_estimated");
  if (day == nullptr || estimated == nullptr || !is_fhir_date(day->text)) return false;
  if (estimated->text != "0" && estimated->text != "1") return false;
  to.json.member(rule.member, estimated->text == "0" ? day->text : day->text.substr(0, 4));
  to.source.tell(row, *estimated);
  if (estimated->text == "0") to.source.tell(row, *day);
  return true;
}

Result<bool> read_birth_date(ElementReader&, RowReader& row, const Rule&, JsonView value) {
  if (!value.is_text()) return false;
  if (is_fhir_date(value.text())) {
    row.add_element("birthdate", value.text());
    row.add_element("birthdate_estimated", "0");
    return true;
  }
  if (value.text().size() != 4) return false;
  row.add_element("birthdate_estimated", "1");
  return true;
}

/// deceasedDateTime says both that, and when.
bool write_deceased(ElementWriter& to, const SourceRow& row, const Rule&) {
  constexpr Rule kWhen{"deceasedDateTime", "death_date", "", write_date_time, read_date_time};
  constexpr Rule kWhether{"deceasedBoolean", "dead", "1=true 0=false", write_flag, read_flag};
  SourceCell* dead = to.source.take(row, "dead");
  if (dead == nullptr) return false;
  if (dead->text != "1" || !kWhen.write(to, row, kWhen)) return kWhether.write(to, row, kWhether);
  to.source.tell(row, *dead);
  return true;
}

Result<bool> read_death_date(ElementReader& from, RowReader& row, const Rule& rule, JsonView value) {
  OMRSYNC_TRY(read, read_date_time(from, row, rule, value));
  if (read) row.add_element("dead", "1");
  return read;
}

bool write_active(ElementWriter& to, const SourceRow&, const Rule& rule) {
  const SourceRow* patient = to.once("patient");
  return patient != nullptr && write_flag(to, *patient, rule);
}

Result<bool> read_active(ElementReader& from, RowReader&, const Rule& rule, JsonView value) {
  return read_flag(from, from.reader_of("patient"), rule, value);
}

constexpr std::string_view kGenders = "M=male F=female U=unknown O=other";

constexpr std::array kPatientRules = {
    Rule{"identifier", "", "", write_identifiers, read_identifiers},
    Rule{"active", "voided", "0=true 1=false", write_active, read_active},
    Rule{"name", "", "", write_names, read_names},
    Rule{"gender", "gender", kGenders, write_code, read_code},
    Rule{"birthDate", "", "", write_birth_date, read_birth_date},
    Rule{"deceasedBoolean", "dead", "1=true 0=false", write_deceased, read_flag},
    Rule{"deceasedDateTime", "death_date", "", nullptr, read_death_date},
    Rule{"address", "", "", write_addresses, read_addresses},
};

constexpr std::array kPersonRules = {
    Rule{"name", "", "", write_names, read_names},
    Rule{"gender", "gender", kGenders, write_code, read_code},
    Rule{"birthDate", "", "", write_birth_date, read_birth_date},
    Rule{"address", "", "", write_addresses, read_addresses},
    Rule{"active", "", "true", write_constant, read_constant},
};

constexpr Type kPatient{
    "Patient", "person", kPatientRules, {}, "patient", "/person-audit", " birthdate gender death_date "};
constexpr Type kPerson{"Person", "person", kPersonRules, {}, {}, "/audit", " birthdate gender "};

}  // namespace

const Type& patient_type() noexcept { return kPatient; }
const Type& person_type() noexcept { return kPerson; }

}  // namespace omrsync::openmrs::fhir
