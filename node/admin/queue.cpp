#include "node/admin/queue.h"

#include <algorithm>
#include <array>

#include "node/admin/words.h"
#include "node/apply/landing.h"
#include "node/store/facts.h"

namespace omrsync::admin {
namespace {

using node::InboxItem;
using node::OfferedSet;
using node::SentSet;
namespace tables = node::tables;

Error usage(std::string message) { return {Remedy::stop_node, Code::usage, std::move(message)}; }

std::string set_id(const Dot& set, std::uint32_t part, std::string_view link, std::uint64_t number) {
  if (set.actor.is_load()) return "load/" + std::string(link) + "/" + std::to_string(number);
  return to_string(set) + (part == 0 ? "" : "." + std::to_string(part));
}

std::vector<std::string> resources_of(const std::vector<RootKey>& roots) {
  std::vector<std::string> resources;
  for (const RootKey& root : roots) resources.push_back(resource_of(root));
  return resources;
}

QueueItem item_of(const OfferedSet& offered, std::uint64_t number) {
  QueueItem item;
  item.id = set_id(offered.set, offered.part, node::kParentLink, number);
  item.direction = "out";
  item.link = node::kParentLink;
  item.state = "waiting";
  item.resources = resources_of(offered.roots);
  item.since_ms = offered.stamp.at_ms;
  return item;
}

QueueItem item_of(const SentSet& sent, const node::LinkPlace& place) {
  QueueItem item;
  item.id = set_id(sent.set, sent.part, place.link, place.number);
  item.direction = "out";
  item.link = place.link;
  item.state = sent.told == Outcome::State::held          ? "held"
               : sent.told == Outcome::State::quarantined ? "quarantined"
               : sent.stored                              ? "stored"
                                                          : "sent";
  item.resources = resources_of(sent.roots);
  item.waits_for = sent.waits_for;
  item.code = sent.code;
  item.reason = sent.reason;
  item.since_ms = sent.since_ms;
  return item;
}

QueueItem item_of(const InboxItem& arrived, std::string_view key) {
  const node::LinkPlace place = node::link_place(key);
  QueueItem item;
  item.id = set_id(arrived.set, place.part, place.link, place.number);
  item.direction = "in";
  item.link = place.link;
  constexpr std::array kStates = {"waiting", "held", "quarantined", "held"};
  item.state = kStates[static_cast<std::size_t>(arrived.state)];
  item.resources = resources_of(arrived.roots);
  item.waits_for = resources_of(arrived.waits_for);
  item.code = arrived.code;
  item.reason = arrived.state == InboxItem::State::paused ? "put on hold by a person" : arrived.reason;
  item.tries = arrived.tries;
  item.since_ms = arrived.since_ms;
  item.inbox_key = key;
  return item;
}

bool fits(const QueueItem& item, const QueueFilter& filter) {
  if (filter.state && *filter.state != item.state) return false;
  if (filter.direction && *filter.direction != item.direction) return false;
  return !filter.code || parse_code(*filter.code) == parse_code(std::to_string(item.code));
}

/// Scans one table; rows that cannot be read end it with `store_damaged`.
template <typename Record, typename Make>
Status each(ports::StoreTransaction& tx, ports::TableName table, const Make& make) {
  std::optional<Error> damaged;
  OMRSYNC_CHECK(tx.scan(table, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    auto record = node::decode_record<Record>(entry.value);
    if (!record) {
      damaged = record.error();
      return false;
    }
    make(*record, entry.key);
    return true;
  }));
  if (damaged) return *damaged;
  return Done{};
}

Status all_items(ports::StoreTransaction& tx, const std::function<void(const QueueItem&)>& visit) {
  OMRSYNC_CHECK(each<SentSet>(tx, tables::kSent, [&](const SentSet& sent, std::string_view key) {
    visit(item_of(sent, node::link_place(key)));
  }));
  OMRSYNC_CHECK(each<OfferedSet>(tx, tables::kOutbox, [&](const OfferedSet& offered, std::string_view key) {
    visit(item_of(offered, tables::number_from(key)));
  }));
  return each<InboxItem>(tx, tables::kInbox,
                         [&](const InboxItem& item, std::string_view key) { visit(item_of(item, key)); });
}

Result<std::vector<QueueItem>> targets_of(ports::StoreTransaction& tx, const QueueTarget& target) {
  if (target.id) {
    OMRSYNC_TRY(items, show_queue(tx, *target.id));
    std::vector<QueueItem> arrived;
    std::copy_if(items.begin(), items.end(), std::back_inserter(arrived),
                 [](const QueueItem& item) { return item.direction == "in"; });
    if (arrived.empty()) {
      return usage(
          "The set " + items.front().id +
          " is on its way out; it is decided at the node where it waits, and sent again by itself until then.");
    }
    return arrived;
  }
  if (!target.all && !target.code) return usage("Name an id, --code CODE or --all.");
  QueueFilter filter;
  filter.direction = "in";
  filter.code = target.code;
  OMRSYNC_CHECK(check(filter));
  std::vector<QueueItem> items;
  OMRSYNC_CHECK(list_queue(tx, filter, [&](const QueueItem& item) { items.push_back(item); }));
  return items;
}

/// The state after `act`, or nothing where the act does not concern the item.
std::optional<InboxItem::State> state_after(QueueAct act, InboxItem::State now) {
  using State = InboxItem::State;
  switch (act) {
    case QueueAct::retry:
      return now == State::waiting ? std::nullopt : std::optional(State::waiting);
    case QueueAct::hold:
      return now == State::paused ? std::nullopt : std::optional(State::paused);
    case QueueAct::release:
      return now == State::paused ? std::optional(State::waiting) : std::nullopt;
    case QueueAct::discard:
      break;
  }
  return std::nullopt;
}

std::string_view name_of(QueueAct act) {
  constexpr std::array<std::string_view, 4> kNames = {"retry", "hold", "release", "discard"};
  return kNames[static_cast<std::size_t>(act)];
}

Status audit(ports::StoreTransaction& tx, const QueueChange& change, const QueueItem& item) {
  Json record;
  record.set("at_ms", change.now_ms).set("act", "queue." + std::string(name_of(change.act))).set("by", "operator");
  record.set("set", item.id).set("link", item.link).set("state", item.state);
  record.set("code", item.code == 0 ? Json() : Json(to_string(describe(static_cast<Code>(item.code)).code)));
  Json::Array resources;
  for (const std::string& resource : item.resources) resources.emplace_back(resource);
  record.set("resources", std::move(resources)).set("reason", change.reason.empty() ? Json() : Json(change.reason));
  return node::append_audit(tx, to_string(record));
}

/// Forgets an item for good and lets a child know that it was refused.
Status discard(ports::StoreTransaction& tx, const QueueChange& change, const QueueItem& item, const InboxItem& record) {
  const node::LinkPlace place = node::link_place(item.inbox_key);
  Outcome outcome;
  outcome.number = place.number;
  outcome.state = Outcome::State::refused;
  outcome.code = record.code;
  outcome.reason = change.reason.empty() ? "discarded by an operator" : change.reason;
  OMRSYNC_CHECK(node::tell_outcome(tx, place.link, outcome));
  OMRSYNC_CHECK(node::leave_places(tx, record, item.inbox_key));
  OMRSYNC_CHECK(tx.erase(tables::kInboxBody, item.inbox_key, ports::after(item.inbox_key)));
  return tx.erase(tables::kInbox, item.inbox_key, ports::after(item.inbox_key));
}

Status change_one(ports::StoreTransaction& tx, const QueueChange& change, QueueItem& item) {
  OMRSYNC_TRY(record, node::get_record<InboxItem>(tx, tables::kInbox, item.inbox_key));
  if (!record) return Done{};
  if (change.act == QueueAct::discard) {
    OMRSYNC_CHECK(audit(tx, change, item));
    OMRSYNC_CHECK(discard(tx, change, item, *record));
    item.state = "discarded";
    return Done{};
  }
  const auto next = state_after(change.act, record->state);
  if (!next) return Done{};
  OMRSYNC_CHECK(audit(tx, change, item));
  record->state = *next;
  OMRSYNC_CHECK(node::put_record(tx, tables::kInbox, item.inbox_key, *record));
  item = item_of(*record, item.inbox_key);
  return Done{};
}

}  // namespace

Json to_json(const QueueItem& item) {
  const auto texts = [](const std::vector<std::string>& from) {
    Json::Array list;
    for (const std::string& text : from) list.emplace_back(text);
    return list;
  };
  const bool failed = item.code != 0;
  const CodeEntry& code = describe(static_cast<Code>(item.code));
  Json json;
  json.set("schema", "omrsync/queue/1").set("id", item.id).set("direction", item.direction).set("link", item.link);
  json.set("state", item.state).set("outcome", nullptr);
  json.set("resources", texts(item.resources)).set("waits_for", texts(item.waits_for));
  json.set("code", failed ? Json(to_string(code.code)) : Json());
  json.set("reason", item.reason.empty() ? Json() : Json(item.reason));
  json.set("remedy", failed ? Json(code.remedy) : Json());
  return json.set("tries", item.tries).set("since", time_or_null(item.since_ms));
}

Status check(const QueueFilter& filter) {
  constexpr std::array<std::string_view, 8> kStates = {"waiting", "sent",        "stored",  "applied",
                                                       "held",    "quarantined", "refused", "discarded"};
  if (filter.state && std::find(kStates.begin(), kStates.end(), *filter.state) == kStates.end())
    return usage("There is no state '" + *filter.state + "'; states are waiting, sent, stored, held, quarantined.");
  if (filter.direction && *filter.direction != "in" && *filter.direction != "out")
    return usage("A direction is 'in' or 'out', not '" + *filter.direction + "'.");
  if (filter.code && !parse_code(*filter.code)) return usage("There is no code '" + *filter.code + "'.");
  return Done{};
}

Status list_queue(ports::StoreTransaction& tx, const QueueFilter& filter,
                  const std::function<void(const QueueItem&)>& visit) {
  OMRSYNC_CHECK(check(filter));
  return all_items(tx, [&](const QueueItem& item) {
    if (fits(item, filter)) visit(item);
  });
}

Result<std::vector<QueueItem>> show_queue(ports::StoreTransaction& tx, const std::string& id) {
  std::vector<QueueItem> near;
  std::vector<std::string> ids;
  OMRSYNC_CHECK(all_items(tx, [&](const QueueItem& item) {
    if (!item.id.starts_with(id)) return;
    near.push_back(item);
    ids.push_back(item.id);
  }));
  OMRSYNC_TRY(meant, one_by_prefix(ids, id, "change set"));
  near.erase(std::remove_if(near.begin(), near.end(), [&](const QueueItem& item) { return item.id != meant; }),
             near.end());
  return near;
}

Result<std::vector<QueueItem>> change_queue(ports::Store& store, const QueueChange& change) {
  OMRSYNC_TRY(tx, change.dry_run ? store.read() : store.write());
  OMRSYNC_TRY(items, targets_of(*tx, change.target));
  if (change.dry_run) return items;
  for (QueueItem& item : items) OMRSYNC_CHECK(change_one(*tx, change, item));
  OMRSYNC_CHECK(tx->commit());
  return items;
}

}  // namespace omrsync::admin
