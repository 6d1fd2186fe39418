#include "node/admin/resolve.h"

#include <algorithm>

#include "conflict/decision.h"
#include "node/store/facts.h"
#include "protocol/cells.h"

namespace omrsync::admin {
namespace {

using node::ConflictRecord;
using node::DecisionRequest;
namespace tables = node::tables;

Error usage(std::string message) { return {Remedy::stop_node, Code::usage, std::move(message)}; }

std::string sites_of(const Conflict& conflict) {
  std::string text;
  for (const ConflictSide& side : conflict.sides) text += (text.empty() ? "" : ", ") + side.site;
  return text;
}

/// The side that `text` names: by site, node or dot.
Result<const ConflictSide*> side_named(const Conflict& conflict, const std::string& text) {
  const ConflictSide* found = nullptr;
  for (const ConflictSide& side : conflict.sides) {
    if (side.dot == text) return &side;
    if (side.site != text && to_string(side.node) != text) continue;
    if (found != nullptr)
      return usage(text + " wrote two of the sides; name one by its dot, 'conflict show --json' has them.");
    found = &side;
  }
  if (found != nullptr) return found;
  return usage("No side was written at " + text + "; there are: " + sites_of(conflict) + ".");
}

conflict::DecisionNote note_of(const ConflictRecord& record, const Resolution& resolution, std::string rule) {
  conflict::DecisionNote note;
  note.conflict = record.id;
  note.by_user = true;
  note.rule = std::move(rule);
  note.user = resolution.user;
  note.reason = resolution.reason;
  return note;
}

DecisionRequest request_for(const Conflict& conflict, std::int64_t now_ms) {
  DecisionRequest request;
  request.conflict = conflict.record.id;
  request.root = conflict.record.root;
  request.group = conflict.record.group;
  request.asked_ms = now_ms;
  for (const ConflictSide& side : conflict.sides) request.seen.push_back(side.sibling.dot);
  return request;
}

Status put(ports::StoreTransaction& tx, const DecisionRequest& request, const Conflict& conflict) {
  Json audit;
  const auto note = conflict::decode_note(request.note).value_or(conflict::DecisionNote{});
  audit.set("act", note.undoes ? "conflict.undo" : "conflict.resolve")
      .set("at_ms", request.asked_ms)
      .set("by", "operator");
  audit.set("user", note.user).set("conflict", conflict.record.id).set("resource", resource_of(conflict.record.root));
  audit.set("rule", note.rule).set("reason", note.reason);
  OMRSYNC_CHECK(node::append_audit(tx, to_string(audit)));
  return node::put_record(tx, tables::kDecisions, request.conflict, request);
}

Result<std::optional<std::string>> text_of(const std::string& field, const Json& value) {
  if (value.is_null()) return std::optional<std::string>{};
  if (value.text() != nullptr) return std::optional(*value.text());
  if (value.boolean() != nullptr) return std::optional<std::string>(*value.boolean() ? "1" : "0");
  if (value.integer() != nullptr || value.real() != nullptr) return std::optional(to_string(value));
  return usage("The value of " + field + " is neither text, number, truth value nor null.");
}

Status can_be_resolved(const Conflict& conflict) {
  const ConflictRecord& record = conflict.record;
  if (!record.open)
    return Error{Remedy::stop_node, Code::conflict_decided, "The conflict " + record.id + " is decided already."};
  if (record.kind != "field" && record.kind != "first-contact")
    return usage("A conflict of kind " + record.kind + " has no sides to choose from; correct the records in OpenMRS.");
  if (conflict.sides.size() < 2) return usage("The sides of this conflict are not known here.");
  return Done{};
}

Result<DecisionRequest> as_request(const Conflict& conflict, const Resolution& resolution) {
  DecisionRequest request = request_for(conflict, resolution.now_ms);
  std::string rule;
  const auto add = [&](const std::string& what) { rule += (rule.empty() ? "" : ", ") + what; };
  if (resolution.take) {
    OMRSYNC_TRY(side, side_named(conflict, *resolution.take));
    request.take = side->sibling.dot;
    add("take " + side->site);
  }
  for (const auto& [field, site] : resolution.set) {
    OMRSYNC_TRY(side, side_named(conflict, site));
    request.cells.push_back({field, side->sibling.dot, {}});
    add(field + " of " + side->site);
  }
  for (const auto& [field, value] : resolution.values) {
    OMRSYNC_TRY(text, text_of(field, value));
    request.cells.push_back({field, {}, std::move(text)});
    add(field + " given");
  }
  if (rule.empty()) return usage("Say what is to be written: --take SITE, --set FIELD=SITE or --value FIELD=JSON.");
  request.note = conflict::encode(note_of(conflict.record, resolution, rule));
  return request;
}

/// The value that `undo` brings back.
Result<const ConflictSide*> side_before(const Conflict& conflict, const std::optional<std::string>& take) {
  if (take) return side_named(conflict, *take);
  const auto& taken = conflict.record.taken;
  const auto differs = [&](const ConflictSide& side) {
    return (side.value || side.deleted) && (!taken || side.sibling.value != taken->sibling.value);
  };
  const ConflictSide* other = nullptr;
  for (const ConflictSide& side : conflict.sides) {
    if (!differs(side)) continue;
    if (side.shown) return &side;
    if (other != nullptr && other->sibling.value != side.sibling.value)
      return usage("Several values could come back; name one with --take SITE: " + sites_of(conflict) + ".");
    other = &side;
  }
  if (other != nullptr) return other;
  return Error{Remedy::stop_node, Code::not_found, "What this decision replaced is not known at this node."};
}

}  // namespace

Result<Conflict> resolve_conflict(ports::Store& store, const std::string& id, const Resolution& resolution) {
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_TRY(conflict, show_conflict(*tx, id));
  OMRSYNC_CHECK(can_be_resolved(conflict));
  OMRSYNC_TRY(request, as_request(conflict, resolution));
  OMRSYNC_CHECK(put(*tx, request, conflict));
  OMRSYNC_CHECK(tx->commit());
  conflict.waits = true;
  return conflict;
}

Result<std::vector<RuledConflict>> resolve_by_rule(ports::Store& store, const BulkResolution& bulk,
                                                   const std::function<Status(Conflict&)>& complete) {
  ConflictFilter filter = bulk.filter;
  filter.state = "open";
  std::vector<Conflict> found;
  {
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_CHECK(list_conflicts(*tx, filter, [&](const Conflict& conflict) {
      if (can_be_resolved(conflict)) found.push_back(conflict);
    }));
  }
  for (Conflict& conflict : found) OMRSYNC_CHECK(complete(conflict));
  const conflict::Policy policy{
      std::string(to_string(bulk.word)), 1, {{"*", "*", "*", bulk.word, conflict::Word::manual, {}, 0}}};
  OMRSYNC_TRY(tx, bulk.dry_run ? store.read() : store.write());
  std::vector<RuledConflict> ruled;
  for (Conflict& conflict : found) {
    OMRSYNC_TRY(decision, try_policy(*tx, conflict, policy));
    if (decision.outcome == conflict::Decision::Outcome::winner && !bulk.dry_run) {
      DecisionRequest request = request_for(conflict, bulk.now_ms);
      request.take = decision.winner;
      conflict::DecisionNote note =
          note_of(conflict.record, {{}, {}, {}, bulk.reason, bulk.user, bulk.now_ms}, decision.rule);
      if (note.reason.empty()) note.reason = decision.why;
      request.note = conflict::encode(note);
      OMRSYNC_CHECK(put(*tx, request, conflict));
      conflict.waits = true;
    }
    ruled.push_back({std::move(conflict), std::move(decision)});
  }
  if (!bulk.dry_run) OMRSYNC_CHECK(tx->commit());
  return ruled;
}

Result<Conflict> undo_conflict(ports::Store& store, const std::string& id, const Resolution& why) {
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_TRY(conflict, show_conflict(*tx, id));
  const ConflictRecord& record = conflict.record;
  if (record.open) return usage("The conflict " + record.id + " is open; 'omrsync conflict resolve' decides it.");
  if (record.undone)
    return Error{Remedy::stop_node, Code::conflict_decided, "The decision of " + record.id + " was undone already."};
  OMRSYNC_TRY(row, node::ledger_row(*tx, record.root));
  const auto group = row ? row->groups.find(record.group) : decltype(row->groups.end()){};
  const bool stands = row && group != row->groups.end() && group->second.group.siblings.size() == 1;
  if (!stands || (record.taken && group->second.group.shown != record.taken->sibling.dot))
    return Error{Remedy::stop_node, Code::conflict_moved,
                 "The field was written again since " + record.id + " was decided."};
  OMRSYNC_TRY(side, side_before(conflict, why.take));
  DecisionRequest request = request_for(conflict, why.now_ms);
  request.seen = {group->second.group.shown};
  request.value = side->sibling.value;
  conflict::DecisionNote note = note_of(record, why, "undo, " + side->site + "'s value");
  note.undoes = true;
  request.note = conflict::encode(note);
  OMRSYNC_CHECK(put(*tx, request, conflict));
  OMRSYNC_CHECK(tx->commit());
  conflict.waits = true;
  return conflict;
}

}  // namespace omrsync::admin
