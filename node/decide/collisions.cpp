#include "node/decide/collisions.h"

#include <algorithm>
#include <vector>

#include "conflict/join.h"
#include "protocol/cells.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

constexpr const char* kKind = "identifier-collision";
constexpr const char* kTable = "patient_identifier";

/// Where the conflict of two identifiers is noted, once under each.
std::string place_of(const std::string& one, const std::string& other) {
  return tables::root_and({kTable, one}, std::string(kKind) + "/" + other);
}

/// "uuid" of "patient_identifier/uuid" and of "patient_identifier/uuid#life"; empty: another group.
std::string identifier_of(const GroupName& group) {
  const std::string prefix = std::string(kTable) + "/";
  if (!group.starts_with(prefix)) return {};
  return group.substr(prefix.size(), group.find('#') - prefix.size());
}

bool ends(const ports::GroupChange& group) {
  if (!group.before) return false;
  if (!group.after) return group.group.find('#') == std::string::npos;
  if (!group.after_value) return false;
  if (find_cell(*group.after_value, "voided") == "1") return true;
  if (!group.before_value) return false;
  const auto differs = [&](const char* column) {
    return find_cell(*group.before_value, column) != find_cell(*group.after_value, column);
  };
  return differs("identifier") || differs("identifier_type");
}

Status close(StoreTransaction& tx, const World& world, const std::string& uuid) {
  const std::string prefix = tables::root_and({kTable, uuid}, std::string(kKind) + "/");
  std::vector<std::pair<std::string, std::string>> open;
  OMRSYNC_CHECK(
      tx.scan(tables::kConflictOf, prefix, ports::end_of_prefix(prefix), SIZE_MAX, [&](const ports::Entry& entry) {
        open.emplace_back(entry.key.substr(prefix.size()), entry.value);
        return true;
      }));
  for (const auto& [other, id] : open) {
    for (const std::string& place : {place_of(uuid, other), place_of(other, uuid)})
      OMRSYNC_CHECK(tx.erase(tables::kConflictOf, place, ports::after(place)));
    OMRSYNC_TRY(record, get_record<ConflictRecord>(tx, tables::kConflicts, id));
    if (!record) continue;
    record->open = false;
    record->decided_ms = world.clock.utc().count();
    record->decided_by = "write";
    OMRSYNC_CHECK(put_record(tx, tables::kConflicts, id, *record));
  }
  return Done{};
}

}  // namespace

Result<std::string> open_collision(StoreTransaction& tx, const World& world, const RootKey& root,
                                   const GroupName& group, const RootKey& other) {
  const std::string mine = identifier_of(group);
  const auto [low, high] = std::minmax(mine, other.key);
  const std::string id = conflict::conflict_id({kTable, low + "|" + high}, kKind, Group{{Sibling{}}, {}});
  OMRSYNC_TRY(known, get_record<ConflictRecord>(tx, tables::kConflicts, id));
  if (known && known->open) return id;
  ConflictRecord record;
  record.id = id;
  record.kind = kKind;
  record.root = root;
  record.group = group;
  record.opened_ms = world.clock.utc().count();
  record.policy = "safe";
  record.rule = "manual: two patients have one identifier";
  record.referrers = {other};
  OMRSYNC_CHECK(put_record(tx, tables::kConflicts, id, record));
  OMRSYNC_CHECK(tx.put(tables::kConflictOf, place_of(mine, other.key), id));
  OMRSYNC_CHECK(tx.put(tables::kConflictOf, place_of(other.key, mine), id));
  return id;
}

Status close_collisions(StoreTransaction& tx, const World& world, const ports::RootChange& change) {
  for (const ports::GroupChange& group : change.groups) {
    const std::string uuid = identifier_of(group.group);
    if (!uuid.empty() && ends(group)) OMRSYNC_CHECK(close(tx, world, uuid));
  }
  return Done{};
}

}  // namespace omrsync::node
