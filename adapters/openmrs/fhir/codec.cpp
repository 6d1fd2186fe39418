#include "adapters/openmrs/fhir/codec.h"

#include "adapters/openmrs/fhir/basic.h"
#include "adapters/openmrs/fhir/primitives.h"
#include "adapters/openmrs/fhir/types.h"
#include "protocol/digest.h"

namespace omrsync::openmrs {
namespace fhir {

std::string resource_id(const RootKey& root, bool natural_key) {
  if (!natural_key && is_fhir_id(root.key)) return root.key;
  const std::string named = natural_key ? root.table + "/" + root.key : root.key;
  return "x-" + to_hex(sha256(named)).substr(0, 32);
}

}  // namespace fhir

Result<std::unique_ptr<FhirCodec>> FhirCodec::create(std::shared_ptr<const Model> model, const SiteSettings& site,
                                                     std::shared_ptr<const fhir::Lookup> lookup) {
  OMRSYNC_TRY(zone, fhir::Zone::load(site.timezone));
  if (model == nullptr) model = std::make_shared<const Model>();
  return std::unique_ptr<FhirCodec>(new FhirCodec(std::move(model), std::move(zone), std::move(lookup)));
}

FhirCodec::FhirCodec(std::shared_ptr<const Model> model, fhir::Zone zone, std::shared_ptr<const fhir::Lookup> lookup)
    : model_(std::move(model)), facts_(*model_), zone_(std::move(zone)), lookup_(std::move(lookup)) {}

Status FhirCodec::encode(const RootKey& root, const std::map<GroupName, GroupValue>& groups, std::string& out) const {
  if (!fhir::is_fhir_code(root.table)) return fhir::malformed("Basic.code", "the table's name is no FHIR code");
  fhir::Source source(root, groups, facts_);
  const std::size_t start = out.size();
  fhir::JsonOut json(out);
  fhir::ElementWriter writer{json, source, zone_, lookup_.get()};
  const fhir::Type* type = fhir::choose_type(writer);
  const std::string id = fhir::resource_id(root, facts_.has_natural_key(root.table));
  if (type != nullptr && id == root.key) {
    fhir::write_resource(writer, *type, id);
  } else {
    fhir::write_basic(json, {id, root.table}, source, zone_);
  }
  if (source.has_residue) out.replace(start, out.npos, put_back(root, groups, out.substr(start), source.residue));
  return Done{};
}

std::string FhirCodec::put_back(const RootKey& root, const std::map<GroupName, GroupValue>& groups,
                                const std::string& resource, std::string_view residue) const {
  if (auto merged = fhir::with_residue(resource, residue)) {
    const auto back = decode(root, *merged);
    if (back && back.value() == groups) return std::move(*merged);
  }
  return fhir::with_opaque_residue(resource, residue);
}

std::string FhirCodec::bundle(const fhir::PrintedSet& set, std::span<const fhir::PrintedEntry> entries) const {
  return fhir::bundle_json(set, entries, facts_, zone_);
}

Result<std::map<GroupName, GroupValue>> FhirCodec::decode(const RootKey& root, std::string_view resource) const {
  fhir::JsonTape tape;
  OMRSYNC_CHECK(tape.parse(resource));
  if (tape.has_modifier())
    return Error{Remedy::set_aside, Code::fhir_unknown_modifier, "the resource carries an unknown modifierExtension"};
  const fhir::JsonView top(tape, 0);
  const std::string_view type_name = top.text_of("resourceType");
  if (type_name.empty()) return fhir::malformed("Resource", "no resourceType");
  const std::string_view id = top.text_of("id");
  if (id != root.key && id != fhir::resource_id(root, false) && id != fhir::resource_id(root, true))
    return fhir::malformed("Resource.id", "not the id of the root that the envelope names");
  std::map<GroupName, GroupValue> groups;
  if (type_name == "Basic") {
    OMRSYNC_CHECK(fhir::read_basic(top, root, facts_, groups));
  } else if (const fhir::Type* type = fhir::find_type(type_name, root.table)) {
    OMRSYNC_CHECK(fhir::read_resource(top, *type, root, facts_, groups));
  } else {
    return Error{Remedy::set_aside, Code::fhir_type_unknown, "the resource has a type that this root cannot have"};
  }
  return groups;
}

}  // namespace omrsync::openmrs
