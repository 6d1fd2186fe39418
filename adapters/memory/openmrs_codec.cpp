#include "adapters/memory/openmrs_codec.h"

#include "protocol/varint.h"

namespace omrsync::memory {
namespace {

constexpr std::string_view kMagic = "flat1:";

Error unreadable() { return {Remedy::set_aside, Code::fhir_malformed, "the resource is no flat body"}; }

}  // namespace

Status FlatCodec::encode(const RootKey& root, const std::map<GroupName, GroupValue>& groups, std::string& out) const {
  out += kMagic;
  append_bytes(out, root.table);
  append_bytes(out, root.key);
  append_varint(out, groups.size());
  for (const auto& [name, value] : groups) {
    append_bytes(out, name);
    append_bytes(out, value);
  }
  return Done{};
}

Result<std::map<GroupName, GroupValue>> FlatCodec::decode(const RootKey& root, std::string_view resource) const {
  if (!resource.starts_with(kMagic)) return unreadable();
  resource.remove_prefix(kMagic.size());
  const auto table = take_bytes(resource), key = take_bytes(resource);
  const auto count = take_varint(resource);
  if (!table || !key || !count || *table != root.table || *key != root.key) return unreadable();
  std::map<GroupName, GroupValue> groups;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto name = take_bytes(resource), value = take_bytes(resource);
    if (!name || !value) return unreadable();
    groups.emplace(*name, *value);
  }
  if (!resource.empty()) return unreadable();
  return groups;
}

}  // namespace omrsync::memory
