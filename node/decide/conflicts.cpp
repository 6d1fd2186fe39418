#include "node/decide/conflicts.h"

#include "conflict/join.h"
#include "protocol/json.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

Status audit_decision(StoreTransaction& tx, const World& world, const ConflictRecord& record,
                      const conflict::DecisionNote& note) {
  Json json;
  json.set("act", note.undoes ? "conflict.undone" : "conflict.decided").set("at_ms", world.clock.utc().count());
  json.set("conflict", record.id).set("table", record.root.table).set("root", record.root.key);
  json.set("group", record.group).set("by", note.by_user ? "user" : "rule");
  for (const auto& [key, text] : {std::pair{"policy", &note.policy}, std::pair{"rule", &note.rule},
                                  std::pair{"user", &note.user}, std::pair{"reason", &note.reason}})
    if (!text->empty()) json.set(key, *text);
  Json::Array sides;
  for (const RecordedSide& side : record.sides) sides.emplace_back(to_string(side.sibling.dot));
  return append_audit(tx, to_string(json.set("sides", std::move(sides))));
}

Result<std::optional<ConflictRecord>> record_of(StoreTransaction& tx, const std::string& id) {
  return get_record<ConflictRecord>(tx, tables::kConflicts, id);
}

/// The record under another id; the one it had becomes a second name.
Status rename(StoreTransaction& tx, ConflictRecord& record, const std::string& id) {
  OMRSYNC_CHECK(tx.erase(tables::kConflicts, record.id, ports::after(record.id)));
  record.other_ids.push_back(std::move(record.id));
  record.id = id;
  return Done{};
}

ConflictRecord new_record(const World& world, std::string id, const RootKey& root, const GroupName& group,
                          const Opening& opening) {
  ConflictRecord record;
  record.id = std::move(id);
  record.kind = opening.kind;
  record.root = root;
  record.group = group;
  record.opened_ms = world.clock.utc().count();
  record.policy = opening.policy;
  record.rule = opening.rule;
  record.base = opening.base;
  record.root_class = opening.root_class;
  return record;
}

}  // namespace

Result<std::optional<std::string>> open_conflict_of(StoreTransaction& tx, const RootKey& root, const GroupName& group) {
  return tx.get(tables::kConflictOf, tables::root_and(root, group));
}

Result<std::set<GroupName>> groups_in_conflict(StoreTransaction& tx, const RootKey& root) {
  std::set<GroupName> groups;
  const std::string prefix = tables::root_and(root, "");
  OMRSYNC_CHECK(
      tx.scan(tables::kConflictOf, prefix, ports::end_of_prefix(prefix), SIZE_MAX, [&](const ports::Entry& entry) {
        groups.emplace(tables::behind_root(entry.key));
        return true;
      }));
  return groups;
}

Result<std::string> open_conflict(StoreTransaction& tx, const World& world, const RootKey& root, const GroupName& group,
                                  const Group& contents, const Opening& opening) {
  const std::string of = tables::root_and(root, group);
  OMRSYNC_TRY(known, tx.get(tables::kConflictOf, of));
  const std::string id = conflict::conflict_id(root, group, contents);
  if (!known) {
    OMRSYNC_CHECK(tx.put(tables::kConflictOf, of, id));
    OMRSYNC_CHECK(put_record(tx, tables::kConflicts, id, new_record(world, id, root, group, opening)));
    return id;
  }
  if (id >= *known) return *known;
  OMRSYNC_TRY(record, record_of(tx, *known));
  if (!record) return Error{Remedy::stop_node, Code::store_damaged, "a conflict record is missing"};
  OMRSYNC_CHECK(rename(tx, *record, id));
  OMRSYNC_CHECK(tx.put(tables::kConflictOf, of, id));
  OMRSYNC_CHECK(put_record(tx, tables::kConflicts, id, *record));
  return id;
}

Status close_conflict(StoreTransaction& tx, const World& world, const RootKey& root, const GroupName& group,
                      std::vector<RecordedSide> sides, std::string_view by) {
  const std::string of = tables::root_and(root, group);
  OMRSYNC_TRY(known, tx.get(tables::kConflictOf, of));
  if (!known) return Done{};
  OMRSYNC_CHECK(tx.erase(tables::kConflictOf, of, ports::after(of)));
  OMRSYNC_TRY(record, record_of(tx, *known));
  if (!record) return Done{};
  record->open = false;
  record->decided_ms = world.clock.utc().count();
  record->decided_by = by;
  record->sides = std::move(sides);
  return put_record(tx, tables::kConflicts, *known, *record);
}

Status note_decision(StoreTransaction& tx, const World& world, const RootKey& root, const GroupName& group,
                     const conflict::DecisionNote& note, std::vector<RecordedSide> sides, RecordedSide taken,
                     const Opening& opening) {
  const std::string of = tables::root_and(root, group);
  OMRSYNC_TRY(open, tx.get(tables::kConflictOf, of));
  if (open) OMRSYNC_CHECK(tx.erase(tables::kConflictOf, of, ports::after(of)));
  OMRSYNC_TRY(record, record_of(tx, note.conflict));
  if (open && *open != note.conflict) {  // it has another name here: that becomes its second one
    OMRSYNC_TRY(other, record_of(tx, *open));
    if (!record && other) {
      OMRSYNC_CHECK(rename(tx, *other, note.conflict));
      record = std::move(other);
    } else if (record) {
      OMRSYNC_CHECK(tx.erase(tables::kConflicts, *open, ports::after(*open)));
      record->other_ids.push_back(*open);
    }
  }
  const bool listed = record.has_value();
  if (!listed) record = new_record(world, note.conflict, root, group, opening);
  const std::int64_t now = world.clock.utc().count();
  if (note.undoes) {
    record->undone = true;
    record->undone_ms = now;
  }
  if (!note.undoes || !listed) {
    record->decided_ms = now;
    record->decided_by = note.by_user ? "user" : "rule";
    if (!note.policy.empty()) record->policy = note.policy;
    record->rule = note.rule;
    record->user = note.user;
    record->reason = note.reason;
    if (record->open || record->sides.empty()) record->sides = std::move(sides);  // else two decisions met
    record->taken = std::move(taken);
  }
  record->open = false;
  OMRSYNC_CHECK(audit_decision(tx, world, *record, note));
  return put_record(tx, tables::kConflicts, record->id, *record);
}

std::vector<RecordedSide> sides_of(const Group& group, const std::optional<Dot>& standing,
                                   const std::optional<GroupValue>& stood) {
  std::vector<RecordedSide> sides;
  for (const Sibling& sibling : group.siblings) {
    RecordedSide side{sibling, true, sibling.dot == group.shown};
    if (standing == sibling.dot && sibling.value) {
      side.known = stood.has_value();
      if (stood) side.sibling.value = *stood;
    }
    sides.push_back(std::move(side));
  }
  return sides;
}

}  // namespace omrsync::node
