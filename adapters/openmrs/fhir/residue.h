#pragma once

#include <string>
#include <string_view>

#include "adapters/openmrs/fhir/row_extension.h"

/// What a resource says that no rule here understands (F-5). It is kept as the text of one JSON object, the members by
/// name and the extensions last, and is put back into the resource that is written.
namespace omrsync::openmrs::fhir {

/// Gathers while a resource is read.
class ResidueReader {
 public:
  void add_member(std::string_view name, JsonView value);
  void add_extension(JsonView extension);
  /// NODE/residue: bytes that could not be put back as JSON.
  void set_opaque(std::string_view bytes) { opaque_ = bytes, has_opaque_ = true; }

  /// Adds the group `fhir` if there is anything to keep.
  Status finish(std::map<GroupName, GroupValue>& into) const;

 private:
  std::map<std::string, std::string> members_;  ///< name, JSON
  std::string extensions_;
  std::string opaque_;
  bool has_opaque_ = false;
};

/// The resource with the residue's members and extensions; a member that both have is the residue's, which says the
/// same and more, or else decoding shows that it does not. Nothing when the residue is no JSON object.
[[nodiscard]] std::optional<std::string> with_residue(std::string_view resource, std::string_view residue);

/// The resource with the residue as bytes in NODE/residue.
[[nodiscard]] std::string with_opaque_residue(std::string_view resource, std::string_view residue);

}  // namespace omrsync::openmrs::fhir
