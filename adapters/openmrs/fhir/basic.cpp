#include "adapters/openmrs/fhir/basic.h"

#include "adapters/openmrs/fhir/primitives.h"
#include "adapters/openmrs/fhir/residue.h"

namespace omrsync::openmrs::fhir {
namespace {

constexpr std::string_view kClassSystem = "urn:x-omrs-sync:class";
constexpr std::string_view kUuidSystem = "urn:x-omrs-sync:uuid";

void write_code(JsonOut& json, std::string_view table) {
  json.key("code");
  json.open_object();
  json.key("coding");
  json.open_array();
  json.open_object();
  json.member("system", kClassSystem);
  json.member("code", table);
  json.close_object();
  json.close_array();
  json.close_object();
}

/// The patient that the row names, said once more where FHIR looks for it.
const SourceCell* subject_of(const Source& source) {
  const SourceCell* patient = source.find(source.rows.front(), "patient_id");
  return patient != nullptr && is_fhir_id(patient->text) ? patient : nullptr;
}

void write_subject(JsonOut& json, std::string_view patient) {
  json.key("subject");
  json.open_object();
  json.member("reference", "Patient/", patient);
  json.close_object();
}

/// The key as it is, beside an id that was made from it (F-6).
void write_identifier(JsonOut& json, std::string_view key) {
  json.key("identifier");
  json.open_array();
  json.open_object();
  json.member("system", kUuidSystem);
  json.member("value", key);
  json.close_object();
  json.close_array();
}

bool is_class_of(JsonView code, std::string_view table) {
  const auto codings = code.find("coding");
  if (!codings || !codings->is_array()) return false;
  for (const JsonView coding : codings->items())
    if (coding.text_of("system") == kClassSystem) return coding.text_of("code") == table;
  return false;
}

bool is_subject(JsonView subject, const RowReader& row) {
  const std::string_view reference = subject.text_of("reference");
  return subject.count() == 1 && reference.starts_with("Patient/") && row.has("patient_id", reference.substr(8));
}

Status read_extension(JsonView extension, const Facts& facts, RowReader& root, ResidueReader& residue,
                      std::map<GroupName, GroupValue>& into, std::string_view table) {
  std::string_view url = extension.text_of("url");
  if (url.empty()) return malformed("Basic.extension", "no url");
  if (!url.starts_with(kNode)) {
    residue.add_extension(extension);
    return Done{};
  }
  url.remove_prefix(kNode.size());
  if (url == "/audit") return read_audit(extension, root);
  if (url == "/group") return read_opaque(extension, into);
  if (url == "/residue") {
    OMRSYNC_TRY(bytes, read_cell(extension));
    residue.set_opaque(bytes);
    return Done{};
  }
  if (url != "/row") return malformed("Basic.extension", "an extension of omrsync that this version does not know");
  OMRSYNC_TRY(head, read_row_head(extension));
  const bool is_root = head.table == table && (!head.has_key || head.is_uuid);
  return is_root ? read_row_cells(extension, root) : read_owned_row(extension, head, facts, into);
}

}  // namespace

void write_basic(JsonOut& json, const BasicHead& head, Source& source, const Zone& zone) {
  const SourceCell* subject = subject_of(source);
  const bool has_identifier = head.id != source.rows.front().key && is_fhir_string(source.rows.front().key);
  json.open_object();
  json.member("resourceType", "Basic");
  json.member("id", head.id);
  ExtensionsOut extensions(json);
  write_audit(extensions, source, source.rows.front(), zone);
  for (const SourceRow& row : source.rows) write_untold(extensions, source, row, zone);
  write_opaque(extensions, source);
  extensions.end();
  if (has_identifier) write_identifier(json, source.rows.front().key);
  write_code(json, head.table);
  if (subject != nullptr) write_subject(json, subject->text);
  json.close_object();
}

Status read_basic(JsonView resource, const RootKey& root, const Facts& facts, std::map<GroupName, GroupValue>& into) {
  RowReader reader(facts.of(root.table, true), true);
  ResidueReader residue;
  const auto code = resource.find("code");
  if (!code || !is_class_of(*code, root.table)) return malformed("Basic.code", "not the class of the root");
  const auto extensions = resource.find("extension");
  if (extensions)
    for (const JsonView extension : extensions->items())
      OMRSYNC_CHECK(read_extension(extension, facts, reader, residue, into, root.table));
  for (const JsonMember member : resource.members()) {
    const bool known = member.name == "resourceType" || member.name == "id" || member.name == "code" ||
                       member.name == "extension" || (member.name == "subject" && is_subject(member.value, reader)) ||
                       (member.name == "identifier" && resource.text_of("id") != root.key && is_fhir_string(root.key));
    if (!known) residue.add_member(member.name, member.value);
  }
  OMRSYNC_CHECK(reader.finish({}, into));
  return residue.finish(into);
}

}  // namespace omrsync::openmrs::fhir
