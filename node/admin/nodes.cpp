#include "node/admin/nodes.h"

#include <algorithm>
#include <array>
#include <map>

#include "node/admin/conflicts.h"
#include "node/admin/enrolments.h"
#include "node/admin/queue.h"
#include "node/admin/words.h"
#include "node/store/facts.h"

namespace omrsync::admin {
namespace {

using node::ChildRecord;
namespace tables = node::tables;

/// Log rows are counted one by one up to here; beyond, the distance of the numbers is near enough.
constexpr std::size_t kCountedMost = 10'000;

std::string_view name_of(ChildRecord::State state) {
  constexpr std::array<std::string_view, 4> kNames = {"active", "paused", "revoked", "invited"};
  return kNames[static_cast<std::size_t>(state)];
}

Result<std::uint64_t> log_rows_after(ports::StoreTransaction& tx, std::uint64_t cursor) {
  std::uint64_t count = 0;
  const std::string from = tables::number_key(cursor + 1);
  OMRSYNC_CHECK(tx.scan(tables::kLog, from, "", kCountedMost, [&](const ports::Entry&) { return ++count != 0; }));
  if (count < kCountedMost) return count;
  OMRSYNC_TRY(newest, tx.last(tables::kLog, from, ""));
  return newest ? tables::number_from(newest->first) - cursor : count;
}

struct LinkCounts {
  std::uint64_t down = 0;
  std::uint64_t up = 0;
  std::uint64_t failed = 0;
};

/// What every view is made from, gathered in one pass.
struct Gathered {
  std::vector<Conflict> open;
  std::map<std::string, LinkCounts> links;
};

Result<Gathered> gather(ports::StoreTransaction& tx) {
  Gathered all;
  OMRSYNC_CHECK(list_conflicts(tx, ConflictFilter{"open", {}, {}, {}, {}},
                               [&](const Conflict& conflict) { all.open.push_back(conflict); }));
  OMRSYNC_CHECK(list_queue(tx, {}, [&](const QueueItem& item) {
    LinkCounts& counts = all.links[item.link];
    const bool failed = item.state == "held" || item.state == "quarantined";
    ++(failed ? counts.failed : item.direction == "in" ? counts.up : counts.down);
  }));
  return all;
}

std::uint64_t conflicts_with(const std::vector<Conflict>& open, const Uuid& node) {
  return static_cast<std::uint64_t>(std::count_if(open.begin(), open.end(), [&](const Conflict& conflict) {
    return std::any_of(conflict.sides.begin(), conflict.sides.end(),
                       [&](const auto& side) { return side.node == node; });
  }));
}

Result<std::vector<ChildRecord>> records(ports::StoreTransaction& tx) {
  std::vector<ChildRecord> all;
  std::optional<Error> damaged;
  OMRSYNC_CHECK(tx.scan(tables::kNodes, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    auto record = node::decode_record<ChildRecord>(entry.value);
    if (!record) {
      damaged = record.error();
      return false;
    }
    all.push_back(std::move(*record));
    return true;
  }));
  if (damaged) return *damaged;
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

Result<ChildRecord> one_record(ports::StoreTransaction& tx, const std::string& name) {
  OMRSYNC_TRY(all, records(tx));
  std::vector<std::string> ids;
  for (const ChildRecord& child : all) {
    if (child.name == name) return child;
    ids.push_back(child.name);
    ids.push_back(to_string(child.node));
  }
  OMRSYNC_TRY(meant, one_by_prefix(ids, name, "node"));
  return *std::find_if(all.begin(), all.end(),
                       [&](const ChildRecord& child) { return child.name == meant || to_string(child.node) == meant; });
}

Result<ChildView> view_of(ports::StoreTransaction& tx, ChildRecord child, const Gathered& gathered) {
  ChildView view;
  const std::string link = to_string(child.node);
  OMRSYNC_TRY(record, node::link_record(tx, link));
  OMRSYNC_TRY(unsent, log_rows_after(tx, record.log_cursor));
  const auto counts = gathered.links.find(link);
  const LinkCounts none;
  const LinkCounts& here = counts == gathered.links.end() ? none : counts->second;
  view.waiting_down = unsent + here.down;
  view.waiting_up = here.up;
  view.failed = here.failed;
  view.conflicts = conflicts_with(gathered.open, child.node);
  view.clock_offset_ms = record.clock_offset_ms;
  view.error_code = record.error_code;
  view.error_message = record.error_message;
  child.last_seen_ms = std::max(child.last_seen_ms, record.last_contact_ms);
  view.child = std::move(child);
  return view;
}

Error usage(std::string message) { return {Remedy::stop_node, Code::usage, std::move(message)}; }

Json to_json(const node::Grant& grant) {
  Json::Array classes;
  if (grant.clinical) classes.emplace_back("clinical");
  if (grant.metadata) classes.emplace_back("metadata");
  const bool limited = grant.bytes_per_second != 0;
  Json json;
  return json.set("classes", std::move(classes))
      .set("bytes_per_second", limited ? Json(grant.bytes_per_second) : Json());
}

Status check_catchment(const std::string& catchment) {
  if (catchment.starts_with("location:"))
    return usage("This version has the catchments all and none; subtrees of locations come later.");
  if (catchment != "all" && catchment != "none") return usage("A catchment is all or none, not '" + catchment + "'.");
  return Done{};
}

Status change_grant(node::Grant& grant, const GrantChange::Direction& change) {
  if (change.bytes_per_second) grant.bytes_per_second = *change.bytes_per_second;
  if (!change.classes) return Done{};
  grant.clinical = grant.metadata = false;
  std::string_view rest = *change.classes;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    if (one != "all" && one != "none" && one != "clinical" && one != "metadata")
      return usage("'" + std::string(one) + "' is no class; there are clinical and metadata, or all, or none.");
    grant.clinical = grant.clinical || one == "clinical" || one == "all";
    grant.metadata = grant.metadata || one == "metadata" || one == "all";
  }
  return Done{};
}

Json grants_json(const ChildRecord& child) {
  Json json;
  return json.set("up", to_json(child.up)).set("down", to_json(child.down)).set("catchment", child.catchment);
}

bool is_node_name(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), fits) && name.front() != '-' &&
         name.back() != '-';
}

Status audit(ports::StoreTransaction& tx, std::string_view act, const ChildRecord& child, std::int64_t now_ms) {
  Json record;
  record.set("at_ms", now_ms).set("act", act).set("by", "operator").set("node", to_string(child.node));
  record.set("name", child.name).set("state", name_of(child.state)).set("grants", grants_json(child));
  return node::append_audit(tx, to_string(record));
}

}  // namespace

Json to_json(const ChildView& view) {
  const bool failing = view.error_code != 0;
  Json json;
  json.set("schema", "omrsync/node/1").set("name", view.child.name).set("id", to_string(view.child.node));
  const bool active = view.child.state == ChildRecord::State::active;
  json.set("state", active ? "ok" : std::string(name_of(view.child.state)));
  json.set("catchment", view.child.catchment).set("added", time_or_null(view.child.added_ms));
  json.set("last_seen", time_or_null(view.child.last_seen_ms)).set("waiting_down", view.waiting_down);
  json.set("waiting_up", view.waiting_up).set("failed", view.failed).set("conflicts", view.conflicts);
  json.set("clock_offset_seconds", static_cast<double>(view.clock_offset_ms) / 1000.0);
  json.set("fingerprint", view.child.fingerprint.empty() ? Json() : Json(view.child.fingerprint));
  json.set("grants", grants_json(view.child));
  json.set("certificate_expires", time_or_null(view.child.certificate_expires_ms));
  if (!failing) return json.set("error", nullptr);
  const CodeEntry& code = describe(static_cast<Code>(view.error_code));
  Json error;
  error.set("code", to_string(code.code)).set("message", view.error_message).set("remedy", code.remedy);
  return json.set("error", error);
}

Result<std::vector<ChildView>> list_children(ports::StoreTransaction& tx) {
  OMRSYNC_TRY(children, records(tx));
  OMRSYNC_TRY(gathered, gather(tx));
  std::vector<ChildView> views;
  for (ChildRecord& child : children) {
    OMRSYNC_TRY(view, view_of(tx, std::move(child), gathered));
    views.push_back(std::move(view));
  }
  return views;
}

Result<ChildView> show_child(ports::StoreTransaction& tx, const std::string& name) {
  OMRSYNC_TRY(child, one_record(tx, name));
  OMRSYNC_TRY(gathered, gather(tx));
  return view_of(tx, std::move(child), gathered);
}

Result<std::optional<ChildRecord>> find_child(ports::StoreTransaction& tx, const std::string& name) {
  OMRSYNC_TRY(children, records(tx));
  for (ChildRecord& child : children)
    if (child.name == name && child.state != ChildRecord::State::revoked)
      return std::optional<ChildRecord>(std::move(child));
  return std::optional<ChildRecord>{};
}

Result<ChildView> allow_child(ports::Store& store, const std::string& name, const GrantChange& change,
                              std::int64_t now_ms, bool dry_run) {
  OMRSYNC_TRY(tx, dry_run ? store.read() : store.write());
  OMRSYNC_TRY(child, one_record(*tx, name));
  OMRSYNC_CHECK(change_grant(child.up, change.up));
  OMRSYNC_CHECK(change_grant(child.down, change.down));
  if (change.catchment) {
    OMRSYNC_CHECK(check_catchment(*change.catchment));
    child.catchment = *change.catchment;
  }
  if (!dry_run) {
    OMRSYNC_CHECK(node::put_record(*tx, tables::kNodes, to_string(child.node), child));
    OMRSYNC_CHECK(audit(*tx, "node.allow", child, now_ms));
  }
  OMRSYNC_TRY(gathered, gather(*tx));
  OMRSYNC_TRY(view, view_of(*tx, child, gathered));
  if (!dry_run) OMRSYNC_CHECK(tx->commit());
  return view;
}

Status check_new_child(ports::StoreTransaction& tx, const std::string& name, const std::string& catchment) {
  if (!is_node_name(name))
    return usage("'" + name + "' is no node name; use lower-case letters, digits and hyphens, at most 32.");
  OMRSYNC_CHECK(check_catchment(catchment));
  OMRSYNC_TRY(self, node::identity(tx));
  OMRSYNC_TRY(children, records(tx));
  const bool taken =
      (self && self->name == name) || std::any_of(children.begin(), children.end(), [&](const auto& child) {
        return child.name == name && child.state != ChildRecord::State::revoked;
      });
  if (taken) return usage("There is a node '" + name + "' already; names are unique under a parent.");
  return Done{};
}

Status add_child(ports::Store& store, const ChildRecord& child) {
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_CHECK(put_child(*tx, child));
  return tx->commit();
}

Status put_child(ports::StoreTransaction& tx, const ChildRecord& child) {
  OMRSYNC_CHECK(check_new_child(tx, child.name, child.catchment));
  OMRSYNC_CHECK(node::put_record(tx, tables::kNodes, to_string(child.node), child));
  return audit(tx, "node.add", child, child.added_ms);
}

Result<ChildView> set_child_state(ports::Store& store, const std::string& name, ChildRecord::State state,
                                  std::int64_t now_ms, bool dry_run) {
  OMRSYNC_TRY(tx, dry_run ? store.read() : store.write());
  OMRSYNC_TRY(child, one_record(*tx, name));
  if (child.state == ChildRecord::State::revoked && state != ChildRecord::State::revoked)
    return usage("The node " + child.name + " was revoked, for good; 'omrsync node add' makes another one.");
  if (child.state == ChildRecord::State::invited && state != ChildRecord::State::revoked)
    return usage("The node " + child.name + " has no certificate yet; it is waited for.");
  const bool changes = child.state != state && !dry_run;
  child.state = state;
  if (changes) {
    OMRSYNC_CHECK(node::put_record(*tx, tables::kNodes, to_string(child.node), child));
    if (state == ChildRecord::State::revoked) OMRSYNC_CHECK(void_codes(*tx, child.node));
    OMRSYNC_CHECK(audit(*tx, "node." + std::string(name_of(state)), child, now_ms));
  }
  OMRSYNC_TRY(gathered, gather(*tx));
  OMRSYNC_TRY(view, view_of(*tx, child, gathered));
  if (changes) OMRSYNC_CHECK(tx->commit());
  return view;
}

}  // namespace omrsync::admin
