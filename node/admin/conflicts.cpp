#include "node/admin/conflicts.h"

#include <algorithm>

#include "conflict/decision.h"
#include "node/decide/view.h"
#include "node/ledger/state.h"
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

ConflictSide side_of(const Sibling& sibling, const Knowledge& known) {
  ConflictSide side;
  side.node = conflict::writer_of(sibling);
  side.site = side.node.empty() ? "first load" : name_or_id(known.names, side.node);
  side.dot = to_string(sibling.dot);
  side.author = sibling.author;
  side.at_ms = sibling.stamp.at_ms;
  side.value = sibling.value;
  side.sibling = sibling;
  side.deleted = !sibling.value;
  side.digest = side.deleted ? "" : hex_of(KeyedHash(known.identity.hash_key)(*sibling.value));
  return side;
}

/// A side that the ledger holds: of the standing one only the database has the value.
ConflictSide side_of(const Sibling& sibling, const node::LedgerGroup& group, const node::LedgerRow& row,
                     const std::string& name, const Knowledge& known) {
  ConflictSide side = side_of(sibling, known);
  side.standing = group.standing == sibling.dot;
  side.shown = group.group.shown == sibling.dot;
  const auto hash = row.hashes.find(name);
  if (!side.standing) return side;
  side.deleted = hash == row.hashes.end();
  side.value = std::nullopt;
  side.digest = side.deleted ? "" : hex_of(hash->second);
  return side;
}

Result<Conflict> whole(ports::StoreTransaction& tx, ConflictRecord record, const Knowledge& known) {
  Conflict conflict{std::move(record), {}, false};
  OMRSYNC_TRY(request, tx.get(tables::kDecisions, conflict.record.id));
  conflict.waits = request.has_value();
  if (!conflict.record.open && !conflict.record.sides.empty()) {
    for (const node::RecordedSide& recorded : conflict.record.sides) {
      ConflictSide side = side_of(recorded.sibling, known);
      side.shown = recorded.shown;
      if (!recorded.known) side.digest = "";
      if (!recorded.known) side.value.reset();
      conflict.sides.push_back(std::move(side));
    }
    return conflict;
  }
  OMRSYNC_TRY(row, node::ledger_row(tx, conflict.record.root));
  if (!row) return conflict;
  const auto group = row->groups.find(conflict.record.group);
  if (group == row->groups.end()) return conflict;
  for (const Sibling& sibling : group->second.group.siblings)
    conflict.sides.push_back(side_of(sibling, group->second, *row, conflict.record.group, known));
  return conflict;
}

Json fields(const std::optional<GroupValue>& value) {
  if (!value) return nullptr;
  Json json{Json::Object{}};
  if (!for_each_cell(*value, [&](NamedCell cell) { json.set(cell.column, cell.text); })) return nullptr;
  return json;
}

Json value_json(const ConflictSide& side, bool revealed) {
  if (side.deleted) return nullptr;
  return revealed ? fields(side.value) : Json(side.digest);
}

/// "safe" of "safe/1".
std::string policy_name(const std::string& policy) {
  return policy.empty() ? "safe" : policy.substr(0, policy.find('/'));
}

Json decision_json(const Conflict& conflict, bool revealed) {
  const ConflictRecord& record = conflict.record;
  if (record.open) return nullptr;
  const bool written = record.decided_by == "write";
  Json value;
  if (record.taken && record.taken->known) {
    const auto same = std::find_if(conflict.sides.begin(), conflict.sides.end(), [&](const ConflictSide& side) {
      return side.sibling.value == record.taken->sibling.value;
    });
    value = revealed ? fields(record.taken->sibling.value) : same == conflict.sides.end() ? Json() : Json(same->digest);
  }
  const auto text = [](const std::string& said) { return said.empty() ? Json() : Json(said); };
  Json decision;
  decision.set("by", written ? "user" : record.decided_by.empty() ? "rule" : record.decided_by);
  decision.set("policy", text(record.policy)).set("rule", text(record.rule)).set("user", text(record.user));
  decision.set("reason", written ? Json("written anew by somebody who had seen all sides") : text(record.reason));
  return decision.set("at", time_or_null(record.decided_ms)).set("value", value).set("undone", record.undone);
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

Status check(const ConflictFilter& filter) {
  if (!filter.state || *filter.state == "open" || *filter.state == "decided") return Done{};
  return Error{Remedy::stop_node, Code::usage, "A conflict is 'open' or 'decided', not '" + *filter.state + "'."};
}

namespace {

bool fits(const ConflictRecord& record, const ConflictFilter& filter) {
  const std::string& table = record.root.table;
  if (filter.state && (*filter.state == "open") != record.open) return false;
  if (filter.type && *filter.type != table && *filter.type != type_of(table)) return false;
  if (filter.policy && *filter.policy != policy_name(record.policy) && !record.rule.starts_with(*filter.policy))
    return false;
  return !filter.opened_before_ms || record.opened_ms < *filter.opened_before_ms;
}

}  // namespace

Status list_conflicts(ports::StoreTransaction& tx, const ConflictFilter& filter,
                      const std::function<void(const Conflict&)>& visit) {
  OMRSYNC_CHECK(check(filter));
  OMRSYNC_TRY(known, knowledge(tx));
  OMRSYNC_TRY(all, records(tx));
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.opened_ms < b.opened_ms; });
  for (ConflictRecord& record : all) {
    if (!fits(record, filter)) continue;
    OMRSYNC_TRY(conflict, whole(tx, std::move(record), known));
    const bool there =
        !filter.site || std::any_of(conflict.sides.begin(), conflict.sides.end(), [&](const ConflictSide& side) {
          return side.site == *filter.site || to_string(side.node) == *filter.site;
        });
    if (there) visit(conflict);
  }
  return Done{};
}

Result<std::map<std::string, ConflictCounts>> conflict_counts(ports::StoreTransaction& tx) {
  OMRSYNC_TRY(all, records(tx));
  std::map<std::string, ConflictCounts> kinds;
  for (const ConflictRecord& record : all) {
    ConflictCounts& counts = kinds[record.kind];
    ++(record.open ? counts.open : counts.decided);
    counts.by_rule += !record.open && record.decided_by == "rule";
    counts.by_user += !record.open && record.decided_by == "user";
    counts.undone += record.undone;
    if (record.open && (counts.oldest_open_ms == 0 || record.opened_ms < counts.oldest_open_ms))
      counts.oldest_open_ms = record.opened_ms;
  }
  return kinds;
}

Json to_json(const std::string& kind, const ConflictCounts& counts) {
  Json json;
  json.set("schema", "omrsync/conflict-stats/1")
      .set("kind", kind)
      .set("open", counts.open)
      .set("decided", counts.decided);
  json.set("by_rule", counts.by_rule).set("by_user", counts.by_user).set("undone", counts.undone);
  return json.set("oldest_open", time_or_null(counts.oldest_open_ms));
}

Result<conflict::View> view_of(ports::StoreTransaction& tx, const Conflict& conflict) {
  OMRSYNC_TRY(identity, node::identity(tx));
  OMRSYNC_TRY(link, node::link_record(tx, node::kParentLink));
  Group group;
  for (const ConflictSide& side : conflict.sides) {
    Sibling sibling = side.sibling;
    if (side.standing && !side.deleted) sibling.value = side.value ? *side.value : GroupValue("?");
    if (side.shown) group.shown = sibling.dot;
    group.siblings.push_back(std::move(sibling));
  }
  const ConflictRecord& record = conflict.record;
  OMRSYNC_TRY(row, node::ledger_row(tx, record.root));
  RootState state;
  if (row) state = node::materialise(&*row, {});
  return node::view_of(tx, identity ? *identity : node::Identity{}, !link.life.parent.node.empty(),
                       {record.root, record.root_class, record.group, group, &state, record.base}, {});
}

Result<conflict::Decision> try_policy(ports::StoreTransaction& tx, const Conflict& conflict,
                                      const conflict::Policy& policy) {
  OMRSYNC_TRY(view, view_of(tx, conflict));
  if (view.sides.empty()) return conflict::Decision{{}, {}, {}, "", "", "its sides are not known here any more"};
  return conflict::decide(policy, view);
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
  json.set("table", record.root.table).set("group", record.group);
  json.set("base", revealed && record.base ? fields(*record.base) : Json()).set("sides", std::move(sides));
  json.set("provisional", provisional).set("policy", policy_name(record.policy));
  json.set("why", record.open && !record.rule.empty() ? Json(record.rule) : Json());
  json.set("opened", time_or_null(record.opened_ms)).set("decision", decision_json(conflict, revealed));
  json.set("decision_waits", conflict.waits);
  Json::Array others;
  for (const std::string& id : record.other_ids) others.emplace_back(id);
  Json::Array referrers;
  for (const RootKey& root : record.referrers) referrers.emplace_back(root.table + "/" + root.key);
  if (!record.referrers.empty()) json.set("referrers", std::move(referrers));
  return json.set("other_ids", std::move(others));
}

}  // namespace omrsync::admin
