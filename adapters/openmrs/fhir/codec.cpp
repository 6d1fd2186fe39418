#include "adapters/openmrs/fhir/codec.h"

#include "adapters/openmrs/fhir/basic.h"
#include "adapters/openmrs/fhir/primitives.h"
#include "protocol/digest.h"

namespace omrsync::openmrs {
namespace fhir {

std::string resource_id(const RootKey& root, bool natural_key) {
  if (!natural_key && is_fhir_id(root.key)) return root.key;
  const std::string named = natural_key ? root.table + "/" + root.key : root.key;
  return "x-" + to_hex(sha256(named)).substr(0, 32);
}

}  // namespace fhir

Result<std::unique_ptr<FhirCodec>> FhirCodec::create(std::shared_ptr<const Model> model, const SiteSettings& site) {
  OMRSYNC_TRY(zone, fhir::Zone::load(site.timezone));
  return std::unique_ptr<FhirCodec>(new FhirCodec(std::move(model), std::move(zone)));
}

FhirCodec::FhirCodec(std::shared_ptr<const Model> model, fhir::Zone zone)
    : model_(std::move(model)), facts_(*model_), zone_(std::move(zone)) {}

Status FhirCodec::encode(const RootKey& root, const std::map<GroupName, GroupValue>& groups, std::string& out) const {
  if (!fhir::is_fhir_code(root.table)) return fhir::malformed("Basic.code", "the table's name is no FHIR code");
  fhir::Source source(root, groups, facts_);
  // A piece of its own, so that commas never look at what the caller wrote before.
  std::string resource;
  resource.reserve(1024);
  fhir::JsonOut json(resource);
  fhir::write_basic(json, {fhir::resource_id(root, facts_.has_natural_key(root.table)), root.table}, source, zone_);
  out.append(resource);
  return Done{};
}

Result<std::map<GroupName, GroupValue>> FhirCodec::decode(const RootKey& root, std::string_view resource) const {
  fhir::JsonTape tape;
  OMRSYNC_CHECK(tape.parse(resource));
  if (tape.has_modifier())
    return Error{Remedy::set_aside, Code::fhir_unknown_modifier, "the resource carries an unknown modifierExtension"};
  const fhir::JsonView top(tape, 0);
  const std::string_view type = top.text_of("resourceType");
  if (type.empty()) return fhir::malformed("Resource", "no resourceType");
  const std::string_view id = top.text_of("id");
  if (id != fhir::resource_id(root, false) && id != fhir::resource_id(root, true))
    return fhir::malformed("Resource.id", "not the id of the root that the envelope names");
  std::map<GroupName, GroupValue> groups;
  if (type == "Basic") {
    OMRSYNC_CHECK(fhir::read_basic(top, root, facts_, groups));
    return groups;
  }
  return Error{Remedy::set_aside, Code::fhir_type_unknown, "the resource has a type that this node does not read"};
}

}  // namespace omrsync::openmrs
