#include "node/admin/conflicts.h"

#include <algorithm>

#include "node/store/facts.h"
#include "protocol/cells.h"
#include "protocol/digest.h"

namespace omrsync::admin {
namespace {

using node::ConflictRecord;
namespace tables = node::tables;

std::string hex_of(std::uint64_t number) {
  std::string bytes;
  append_u64(bytes, number);
  return to_hex(bytes);
}

/// What the admin layer needs to know of the node to tell sides apart.
struct Knowledge {
  NodeNames names;
  node::Identity identity;
};

Result<Knowledge> knowledge(ports::StoreTransaction& tx) {
  Knowledge known;
  OMRSYNC_TRY(names, node_names(tx));
  known.names = std::move(names);
  OMRSYNC_TRY(identity, node::identity(tx));
  if (identity) known.identity = *identity;
  return known;
}

ConflictSide side_of(const Sibling& sibling, const node::LedgerGroup& group, const node::LedgerRow& row,
                     const std::string& name, const Knowledge& known) {
  ConflictSide side;
  side.node = sibling.dot.actor.node;
  side.site = sibling.dot.actor.is_load() ? "first load" : name_or_id(known.names, side.node);
  side.dot = to_string(sibling.dot);
  side.author = sibling.author;
  side.at_ms = sibling.stamp.at_ms;
  side.value = sibling.value;
  side.standing = group.standing == sibling.dot;
  side.shown = group.group.shown == sibling.dot;
  const auto hash = row.hashes.find(name);
  if (side.standing) {
    side.deleted = hash == row.hashes.end();
    side.value = std::nullopt;
    side.digest = side.deleted ? "" : hex_of(hash->second);
  } else {
    side.deleted = !sibling.value;
    side.digest = side.deleted ? "" : hex_of(KeyedHash(known.identity.hash_key)(*sibling.value));
  }
  return side;
}

Result<Conflict> whole(ports::StoreTransaction& tx, ConflictRecord record, const Knowledge& known) {
  Conflict conflict{std::move(record), {}};
  OMRSYNC_TRY(row, node::ledger_row(tx, conflict.record.root));
  if (!row) return conflict;
  const auto group = row->groups.find(conflict.record.group);
  if (group == row->groups.end()) return conflict;
  for (const Sibling& sibling : group->second.group.siblings)
    conflict.sides.push_back(side_of(sibling, group->second, *row, conflict.record.group, known));
  return conflict;
}

Json value_json(const ConflictSide& side, bool revealed) {
  if (side.deleted) return nullptr;
  if (!revealed) return side.digest;
  if (!side.value) return nullptr;
  Json fields{Json::Object{}};
  if (!for_each_cell(*side.value, [&](NamedCell cell) { fields.set(cell.column, cell.text); })) return nullptr;
  return fields;
}

Json decision_json(const ConflictRecord& record, const Json& value) {
  if (record.open) return nullptr;
  Json decision;
  decision.set("by", record.decided_by == "write" ? "user" : record.decided_by.empty() ? "rule" : record.decided_by);
  decision.set("policy", record.policy.empty() ? Json() : Json(record.policy)).set("user", nullptr);
  decision.set("reason", record.decided_by == "write" ? Json("written anew by somebody who had seen all sides") : Json());
  return decision.set("at", time_or_null(record.decided_ms)).set("value", value).set("undone", false);
}

Result<std::vector<ConflictRecord>> records(ports::StoreTransaction& tx) {
  std::vector<ConflictRecord> all;
  std::optional<Error> damaged;
  OMRSYNC_CHECK(tx.scan(tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    auto record = node::decode_record<ConflictRecord>(entry.value);
    if (!record) {
      damaged = record.error();
      return false;
    }
    all.push_back(std::move(*record));
    return true;
  }));
  if (damaged) return *damaged;
  return all;
}

}  // namespace

Status check_conflict_state(const std::optional<std::string>& state) {
  if (!state || *state == "open" || *state == "decided") return Done{};
  return Error{Remedy::stop_node, Code::usage, "A conflict is 'open' or 'decided', not '" + *state + "'."};
}

Status list_conflicts(ports::StoreTransaction& tx, const std::optional<std::string>& state,
                      const std::function<void(const Conflict&)>& visit) {
  OMRSYNC_CHECK(check_conflict_state(state));
  OMRSYNC_TRY(known, knowledge(tx));
  OMRSYNC_TRY(all, records(tx));
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.opened_ms < b.opened_ms; });
  for (ConflictRecord& record : all) {
    if (state && (*state == "open") != record.open) continue;
    OMRSYNC_TRY(conflict, whole(tx, std::move(record), known));
    visit(conflict);
  }
  return Done{};
}

Result<Conflict> show_conflict(ports::StoreTransaction& tx, const std::string& id) {
  OMRSYNC_TRY(all, records(tx));
  std::vector<std::string> ids;
  for (const ConflictRecord& record : all) {
    ids.push_back(record.id);
    ids.insert(ids.end(), record.other_ids.begin(), record.other_ids.end());
  }
  OMRSYNC_TRY(meant, one_by_prefix(ids, id, "conflict"));
  const auto found = std::find_if(all.begin(), all.end(), [&](const ConflictRecord& record) {
    return record.id == meant ||
           std::find(record.other_ids.begin(), record.other_ids.end(), meant) != record.other_ids.end();
  });
  OMRSYNC_TRY(known, knowledge(tx));
  return whole(tx, *found, known);
}

Status note_revealed(ports::Store& store, const Conflict& conflict, std::int64_t now_ms) {
  OMRSYNC_TRY(tx, store.write());
  Json record;
  record.set("at_ms", now_ms).set("act", "conflict.reveal").set("by", "operator").set("conflict", conflict.record.id);
  record.set("resource", resource_of(conflict.record.root));
  OMRSYNC_CHECK(node::append_audit(*tx, to_string(record)));
  return tx->commit();
}

Json to_json(const Conflict& conflict, bool revealed) {
  const ConflictRecord& record = conflict.record;
  Json::Array sides;
  Json provisional;
  for (const ConflictSide& side : conflict.sides) {
    const Json value = value_json(side, revealed);
    if (side.shown) provisional = value;
    Json one;
    one.set("site", side.site).set("node", to_string(side.node)).set("dot", side.dot);
    one.set("author", side.author.empty() ? Json() : Json(side.author)).set("at", time_or_null(side.at_ms));
    sides.push_back(one.set("value", value).set("deleted", side.deleted).set("shown", side.shown));
  }
  Json json;
  json.set("schema", "omrsync/conflict/1").set("id", record.id).set("state", record.open ? "open" : "decided");
  json.set("kind", record.kind).set("type", type_of(record.root.table)).set("resource", record.root.key);
  json.set("table", record.root.table).set("group", record.group).set("base", nullptr).set("sides", std::move(sides));
  json.set("provisional", provisional).set("policy", record.policy.empty() ? "safe" : record.policy);
  json.set("opened", time_or_null(record.opened_ms)).set("decision", decision_json(record, provisional));
  Json::Array others;
  for (const std::string& id : record.other_ids) others.emplace_back(id);
  Json::Array referrers;
  for (const RootKey& root : record.referrers) referrers.emplace_back(root.table + "/" + root.key);
  if (!record.referrers.empty()) json.set("referrers", std::move(referrers));
  return json.set("other_ids", std::move(others));
}

}  // namespace omrsync::admin
