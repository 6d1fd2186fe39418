#include "adapters/openmrs/fhir/residue.h"

#include <algorithm>

namespace omrsync::openmrs::fhir {

void ResidueReader::add_member(std::string_view name, JsonView value) {
  if (!members_.empty()) members_.push_back(',');
  std::string key;
  JsonOut(key).text(name);
  members_.append(key).push_back(':');
  value.append_to(members_);
}

void ResidueReader::add_extension(JsonView extension) {
  extensions_.push_back(extensions_.empty() ? '[' : ',');
  std::string text;
  extension.append_to(text);
  extensions_.append(text);
}

Status ResidueReader::finish(std::map<GroupName, GroupValue>& into) const {
  const bool plain = !members_.empty() || !extensions_.empty();
  if (!plain && !has_opaque_) return Done{};
  std::string residue = opaque_;
  if (plain) {
    if (has_opaque_) return malformed("Extension.url", "unknown content in two forms");
    residue = "{" + members_;
    if (!extensions_.empty()) residue += (members_.empty() ? "" : ",") + ("\"extension\":" + extensions_) + "]";
    residue += "}";
  }
  if (!into.emplace(kResidueGroup, std::move(residue)).second)
    return malformed("Extension.url", "a group that is there twice");
  return Done{};
}

ResidueWriter::ResidueWriter(const Source& source, const std::vector<std::string_view>& written)
    : residue_(source.residue) {
  opaque_ = source.has_residue && !read(source.residue, written);
}

bool ResidueWriter::read(std::string_view residue, const std::vector<std::string_view>& written) {
  JsonTape tape;
  if (!tape.parse(residue) || tape.has_modifier()) return false;
  const JsonView object(tape, 0);
  std::string again;
  object.append_to(again);
  if (again != residue) return false;
  for (const JsonMember member : object.members()) {
    if (!extensions_.empty()) return false;
    if (member.name == "extension") {
      if (!member.value.is_array()) return false;
      for (const JsonView extension : member.value.items()) {
        const std::string_view url = extension.text_of("url");
        if (url.empty() || url.starts_with(kNode)) return false;
        extension.append_to(extensions_.emplace_back());
      }
      continue;
    }
    if (std::find(written.begin(), written.end(), member.name) != written.end()) return false;
    members_.emplace_back(member.name, "");
    member.value.append_to(members_.back().second);
  }
  return true;
}

void ResidueWriter::write_extensions(ExtensionsOut& out) const {
  if (opaque_) write_cell(out.begin(), kNode, "/residue", Form::text, {}, residue_, Zone());
  if (opaque_) return;
  for (const std::string& extension : extensions_) out.begin().raw(extension);
}

void ResidueWriter::write_members(JsonOut& json) const {
  if (opaque_) return;
  for (const auto& [name, value] : members_) {
    json.text(name);
    json.verbatim(":");
    json.raw(value);
  }
}

}  // namespace omrsync::openmrs::fhir
