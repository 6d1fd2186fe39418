#include "node/apply/keeping.h"

#include <algorithm>

#include "conflict/join.h"
#include "node/ship/offer.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

bool holds_dot(const Group& group, const Dot& dot) {
  return std::any_of(group.siblings.begin(), group.siblings.end(), [&](const Sibling& s) { return s.dot == dot; });
}

/// The sibling that the database held of a group, before and after: nothing of it was written.
std::optional<Dot> stood_of(const std::optional<LedgerRow>& row, const RootState& before, const GroupName& name) {
  if (row)
    if (const auto listed = row->groups.find(name); listed != row->groups.end()) return listed->second.standing;
  const auto group = before.groups.find(name);
  return group == before.groups.end() ? std::nullopt : std::optional(group->second.shown);
}

std::optional<Dot> tombstone_among(const Group& life) {
  for (const Sibling& s : life.siblings)
    if (!s.value) return s.dot;
  return std::nullopt;
}

}  // namespace

std::map<GroupName, Dot> keep_state(RootState& joined, const std::optional<LedgerRow>& row, const RootState& before,
                                    const std::map<GroupName, std::uint64_t>& holds, const Sibling& by) {
  std::map<GroupName, Dot> standing;
  Group& life = joined.groups[kLifeGroup];
  const std::optional<Dot> stood = stood_of(row, before, kLifeGroup);
  std::erase_if(life.siblings, [&](const Sibling& s) { return !s.value || s.dot == stood; });
  const auto place = std::lower_bound(life.siblings.begin(), life.siblings.end(), by.dot,
                                      [](const Sibling& s, const Dot& dot) { return s.dot < dot; });
  life.siblings.insert(place, by);
  life.shown = standing[kLifeGroup] = by.dot;
  for (const auto& [name, hash] : holds) {
    if (name == kLifeGroup) continue;
    const auto group = joined.groups.find(name);
    if (group == joined.groups.end()) {
      joined.groups[name] = Group{{by}, by.dot};
      standing[name] = by.dot;
    } else if (const auto held = stood_of(row, before, name); held && holds_dot(group->second, *held)) {
      standing[name] = *held;
    }
  }
  joined.context.add(by.dot);
  return standing;
}

std::optional<Dot> tombstone_of(const RootState& state) {
  const auto life = state.groups.find(kLifeGroup);
  return life == state.groups.end() ? std::nullopt : tombstone_among(life->second);
}

std::optional<Dot> tombstone_of(const LedgerRow& row) {
  const auto life = row.groups.find(kLifeGroup);
  return life == row.groups.end() || !row.hashes.empty() ? std::nullopt : tombstone_among(life->second.group);
}

Result<std::string> open_dangling(StoreTransaction& tx, const World& world, const RootKey& root, const Dot& tombstone,
                                  const std::vector<RootKey>& referrers) {
  const std::string of = tables::root_and(root, kDanglingParent);
  OMRSYNC_TRY(known, tx.get(tables::kConflictOf, of));
  std::optional<ConflictRecord> record;
  if (known) {
    OMRSYNC_TRY(read, get_record<ConflictRecord>(tx, tables::kConflicts, *known));
    record = std::move(read);
  }
  if (!record) {
    const std::string id =
        conflict::conflict_id(root, kDanglingParent, Group{{Sibling{tombstone, {}, {}, {}}}, tombstone});
    record =
        ConflictRecord{id, kDanglingParent, root, kLifeGroup, world.clock.utc().count(), true, 0, {}, "safe", {}, {}};
    OMRSYNC_CHECK(tx.put(tables::kConflictOf, of, id));
  }
  record->referrers = referrers;
  OMRSYNC_CHECK(put_record(tx, tables::kConflicts, record->id, *record));
  return record->id;
}

Status list_referrers(StoreTransaction& tx, const RootKey& root, const std::vector<RootKey>& referrers) {
  OMRSYNC_TRY(known, tx.get(tables::kConflictOf, tables::root_and(root, kDanglingParent)));
  if (!known) return Done{};
  OMRSYNC_TRY(record, get_record<ConflictRecord>(tx, tables::kConflicts, *known));
  if (!record) return Done{};
  record->referrers = referrers;
  return put_record(tx, tables::kConflicts, *known, *record);
}

Status close_dangling(StoreTransaction& tx, const World& world, const RootKey& root, std::string_view by) {
  const std::string of = tables::root_and(root, kDanglingParent);
  OMRSYNC_TRY(known, tx.get(tables::kConflictOf, of));
  if (!known) return Done{};
  OMRSYNC_CHECK(tx.erase(tables::kConflictOf, of, ports::after(of)));
  OMRSYNC_TRY(record, get_record<ConflictRecord>(tx, tables::kConflicts, *known));
  if (!record) return Done{};
  record->open = false;
  record->decided_ms = world.clock.utc().count();
  record->decided_by = by;
  return put_record(tx, tables::kConflicts, *known, *record);
}

Result<std::vector<ConflictRecord>> dangling_after(StoreTransaction& tx, const std::string& after, std::size_t most) {
  std::vector<std::string> ids;
  OMRSYNC_CHECK(tx.scan(tables::kConflictOf, after.empty() ? after : ports::after(after), "", SIZE_MAX,
                        [&](const ports::Entry& entry) {
                          if (tables::behind_root(entry.key) == kDanglingParent) ids.emplace_back(entry.value);
                          return ids.size() < most;
                        }));
  std::vector<ConflictRecord> records;
  for (const std::string& id : ids) {
    OMRSYNC_TRY(record, get_record<ConflictRecord>(tx, tables::kConflicts, id));
    if (record) records.push_back(std::move(*record));
  }
  return records;
}

Status offer_again(StoreTransaction& tx, const World& world, std::string_view link, const RootKey& root,
                   const LedgerRow& row) {
  const Dot set = row.groups.at(kLifeGroup).group.shown;
  if (link != kParentLink) return log_change(tx, world, root, set, std::nullopt);
  return offer_set(tx, world, {set, 0, {}, world.stamp(world.clock.utc().count()), {root}});
}

}  // namespace omrsync::node
