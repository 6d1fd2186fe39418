#include "adapters/repository/references.h"

#include <algorithm>
#include <array>

#include "adapters/openmrs/rows.h"
#include "protocol/cells.h"
#include "protocol/root_bytes.h"

namespace omrsync::repository {
namespace {

constexpr std::array<std::string_view, 5> kNoTargets = {"uuid", "creator", "changed_by", "voided_by", "retired_by"};

/// OpenMRS takes 36 to 38 characters for a uuid, letters beyond f included.
bool looks_like_uuid(std::string_view text) noexcept {
  return text.size() >= 36 && text.size() <= 38 && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
         });
}

struct OwnedName {
  std::string_view table;
  std::string_view key;
};

/// "person_name/<key>#life" taken apart; nothing for a group of the root's own row.
std::optional<OwnedName> owned_name(std::string_view group) noexcept {
  const std::size_t slash = group.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::size_t end = slash + 1;
  while (end < group.size() && group[end] != '#') end += group[end] == '\\' ? 2 : 1;
  return OwnedName{group.substr(0, slash), group.substr(slash + 1, std::min(end, group.size()) - slash - 1)};
}

}  // namespace

References::References(const openmrs::Model& model) {
  for (const auto& [name, table] : model.schema)
    for (const openmrs::Column& column : table.columns) {
      const openmrs::TablePart* target = column.references.empty() ? nullptr : model.part_of(column.references);
      if (target != nullptr && target->identity == openmrs::Identity::natural) named_.insert(name + "." + column.name);
    }
}

std::set<std::string> References::of(const RootKey& root, const Row& row) const {
  std::set<std::string> keys;
  const std::vector<std::string> parts = openmrs::split_key(root.key);
  if (parts.size() > 1)
    for (const std::string& part : parts) keys.insert(key_bytes(part));
  for (const auto& [group, value] : row.groups) {
    const auto owned = owned_name(group);
    if (owned && looks_like_uuid(owned->key)) keys.insert(key_bytes(owned->key));
    const std::string table = owned ? std::string(owned->table) : root.table;
    for_each_cell(value, [&](const NamedCell& cell) {
      if (std::find(kNoTargets.begin(), kNoTargets.end(), cell.column) != kNoTargets.end()) return;
      if (looks_like_uuid(cell.text) || named_.contains(table + "." + std::string(cell.column)))
        keys.insert(key_bytes(cell.text));
    });
  }
  return keys;
}

std::set<std::string> References::keys_of(const RootKey& root, const Row& row) {
  std::set<std::string> keys{key_bytes(root.key)};
  for (const auto& [group, value] : row.groups)
    if (const auto owned = owned_name(group)) keys.insert(key_bytes(owned->key));
  return keys;
}

}  // namespace omrsync::repository
