#pragma once

#include <string>
#include <string_view>

#include "adapters/openmrs/fhir/row_extension.h"

/// What a resource says that no rule here understands (F-5). It is kept as the text of one JSON object, the members in
/// their order and the extensions last, and is put back into the resource that is written.
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
  std::string members_;
  std::string extensions_;
  std::string opaque_;
  bool has_opaque_ = false;
};

/// Puts it back. `written`: the members that the resource has from its rows; what would stand beside one of them, and what
/// is not in the form above, goes as bytes into NODE/residue.
class ResidueWriter {
 public:
  ResidueWriter(const Source& source, const std::vector<std::string_view>& written);
  void write_extensions(ExtensionsOut& out) const;
  void write_members(JsonOut& json) const;

 private:
  bool read(std::string_view residue, const std::vector<std::string_view>& written);
  std::string_view residue_;
  std::vector<std::pair<std::string, std::string>> members_;  ///< name, JSON
  std::vector<std::string> extensions_;
  bool opaque_ = false;
};

}  // namespace omrsync::openmrs::fhir
