#include "adapters/openmrs/fhir/residue.h"

namespace omrsync::openmrs::fhir {
namespace {

void write_member(JsonOut& json, std::string_view name, JsonView value) {
  json.text(name);
  json.verbatim(":");
  value.write_to(json);
}

void write_extensions(JsonOut& json, std::optional<JsonView> first, std::optional<JsonView> second,
                      std::string_view more) {
  if (!first && !second && more.empty()) return;
  json.key("extension");
  json.open_array();
  for (const auto& list : {first, second}) {
    if (!list) continue;
    for (const JsonView extension : list->items()) extension.write_to(json);
  }
  if (!more.empty()) json.raw(more);
  json.close_array();
}

/// `residue` may be null.
std::string merged(JsonView resource, const JsonView* residue, std::string_view extension) {
  std::string out;
  JsonOut json(out);
  json.open_object();
  for (const JsonMember member : resource.members()) {
    if (member.name == "extension") continue;
    const auto other = residue != nullptr ? residue->find(member.name) : std::nullopt;
    write_member(json, member.name, other ? *other : member.value);
  }
  if (residue != nullptr)
    for (const JsonMember member : residue->members())
      if (member.name != "extension" && !resource.find(member.name)) write_member(json, member.name, member.value);
  write_extensions(json, resource.find("extension"), residue != nullptr ? residue->find("extension") : std::nullopt,
                   extension);
  json.close_object();
  return out;
}

}  // namespace

void ResidueReader::add_member(std::string_view name, JsonView value) { members_.emplace(name, value.to_string()); }

void ResidueReader::add_extension(JsonView extension) {
  extensions_.push_back(extensions_.empty() ? '[' : ',');
  extensions_.append(extension.to_string());
}

Status ResidueReader::finish(std::map<GroupName, GroupValue>& into) const {
  const bool plain = !members_.empty() || !extensions_.empty();
  if (!plain && !has_opaque_) return Done{};
  std::string residue = opaque_;
  if (plain) {
    if (has_opaque_) return malformed("Extension.url", "unknown content in two forms");
    residue.clear();
    JsonOut json(residue);
    json.open_object();
    for (const auto& [name, value] : members_) {
      json.text(name);
      json.verbatim(":");
      json.verbatim(value);
    }
    if (!extensions_.empty()) json.member_raw("extension", extensions_ + "]");
    json.close_object();
  }
  if (!into.emplace(kResidueGroup, std::move(residue)).second)
    return malformed("Extension.url", "a group that is there twice");
  return Done{};
}

std::optional<std::string> with_residue(std::string_view resource, std::string_view residue) {
  JsonTape base;
  JsonTape more;
  if (!base.parse(resource) || !more.parse(residue)) return std::nullopt;
  const JsonView object(more, 0);
  return merged(JsonView(base, 0), &object, {});
}

std::string with_opaque_residue(std::string_view resource, std::string_view residue) {
  JsonTape base;
  if (!base.parse(resource)) return std::string(resource);
  std::string extension;
  JsonOut json(extension);
  write_cell(json, kNode, "/residue", Form::text, {}, residue, Zone());
  return merged(JsonView(base, 0), nullptr, extension);
}

}  // namespace omrsync::openmrs::fhir
