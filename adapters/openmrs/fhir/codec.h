#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "adapters/openmrs/fhir/bundle.h"
#include "adapters/openmrs/fhir/facts.h"
#include "adapters/openmrs/fhir/zone.h"
#include "adapters/openmrs/model.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::openmrs {
namespace fhir {

/// Other rows' content that some elements depend on. Pure and thread-safe.
class Lookup {
 public:
  virtual ~Lookup() = default;
  /// The person with that uuid is known to be no patient.
  [[nodiscard]] virtual bool is_no_patient(std::string_view person) const = 0;
};

}  // namespace fhir

struct SiteSettings {
  std::string timezone = "UTC";  ///< IANA name; the wall clock of the OpenMRS server (F-4)
};

/// Root bodies as FHIR R4 resources (D4), for every map of groups without loss: decode(encode(x)) == x byte for byte,
/// whatever the texts, the columns and the groups are. Reading depends on nothing but the bytes, so that nodes with
/// other schemas and time zones find the same groups.
///
/// The group named `fhir` holds content of a resource that this node does not understand; it is written again as it
/// came.
class FhirCodec : public ports::BodyCodec {
 public:
  /// config_invalid when there is no such time zone. `model` may be null (a node without OpenMRS): columns are text
  /// then. `lookup` may be null. Reading needs neither.
  static Result<std::unique_ptr<FhirCodec>> create(std::shared_ptr<const Model> model, const SiteSettings& site,
                                                   std::shared_ptr<const fhir::Lookup> lookup = nullptr);

  /// `set_aside`, fhir_malformed, when the root's table cannot be named in FHIR. Nothing is appended then.
  Status encode(const RootKey& root, const std::map<GroupName, GroupValue>& groups, std::string& out) const override;

  /// `set_aside`: fhir_malformed (the place is named, no content), fhir_type_unknown, fhir_unknown_modifier.
  Result<std::map<GroupName, GroupValue>> decode(const RootKey& root, std::string_view resource) const override;

  /// A change set for people and foreign tools (see bundle.h).
  [[nodiscard]] std::string bundle(const fhir::PrintedSet& set, std::span<const fhir::PrintedEntry> entries) const;

 private:
  FhirCodec(std::shared_ptr<const Model> model, fhir::Zone zone, std::shared_ptr<const fhir::Lookup> lookup);
  /// The resource with the group `fhir`, as JSON in its places where that is read back as it is, else as bytes.
  [[nodiscard]] std::string put_back(const RootKey& root, const std::map<GroupName, GroupValue>& groups,
                                     const std::string& resource, std::string_view residue) const;

  std::shared_ptr<const Model> model_;
  fhir::Facts facts_;
  fhir::Zone zone_;
  std::shared_ptr<const fhir::Lookup> lookup_;
};

namespace fhir {

/// Resource.id of a root (F-6): its key, or where that is no id `x-` and 32 hex digits.
[[nodiscard]] std::string resource_id(const RootKey& root, bool natural_key);

}  // namespace fhir
}  // namespace omrsync::openmrs
