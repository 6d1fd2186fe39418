#include "node/ship/offer.h"

#include "node/plant.h"

namespace omrsync::node {

using ports::StoreTransaction;

Status log_change(StoreTransaction& tx, const World& world, const RootKey& root, const Dot& set,
                  const std::optional<Via>& via) {
  if (OMRSYNC_PLANTED(children_forgotten) && via && via->link != kParentLink) return Done{};
  if (!world.has_children) return Done{};
  const std::string place_key = tables::root_bytes(root);
  OMRSYNC_TRY(place, tx.get(tables::kLogPlace, place_key));
  if (place) OMRSYNC_CHECK(tx.erase(tables::kLog, *place, ports::after(*place)));
  OMRSYNC_TRY(number, take_number(tx, "log_end"));
  LogRow row{root, set, {}, false, via && via->load};
  if (via) {
    row.via = via->life;
    row.whole = via->whole;
  }
  const std::string key = tables::number_key(number);
  OMRSYNC_CHECK(tx.put(tables::kLogPlace, place_key, key));
  return put_record(tx, tables::kLog, key, row);
}

Status offer_set(StoreTransaction& tx, const World& world, const OfferedSet& set) {
  return world.has_parent ? put_offer(tx, set) : Status{Done{}};
}

Status put_offer(StoreTransaction& tx, const OfferedSet& set) {
  OMRSYNC_TRY(number, take_number(tx, "offer_end"));
  return put_record(tx, tables::kOutbox, tables::number_key(number), set);
}

Status note_repair(StoreTransaction& tx, const RootKey& root, const LedgerRow& row) {
  const std::string key = tables::root_bytes(root);
  if (OMRSYNC_PLANTED(nothing_repaired)) return Done{};
  return row.as_database ? tx.erase(tables::kRepairs, key, ports::after(key)) : tx.put(tables::kRepairs, key, "");
}

Status release_waiting(StoreTransaction& tx, const RootKey& root) {
  if (OMRSYNC_PLANTED(nobody_woken)) return Done{};
  const std::string prefix = tables::root_and(root, "");
  const std::string end = ports::end_of_prefix(prefix);
  std::vector<std::string> waiting;
  OMRSYNC_CHECK(tx.scan(tables::kWaits, prefix, end, SIZE_MAX, [&](const ports::Entry& entry) {
    waiting.emplace_back(tables::behind_root(entry.key));
    return true;
  }));
  if (waiting.empty()) return Done{};
  OMRSYNC_CHECK(tx.erase(tables::kWaits, prefix, end));
  for (const std::string& key : waiting) {
    OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, key));
    if (!item || item->state != InboxItem::State::held) continue;
    std::erase(item->waits_for, root);
    item->state = InboxItem::State::waiting;  // even if it waits for more: what is left may close a cycle now (D8)
    OMRSYNC_CHECK(put_record(tx, tables::kInbox, key, *item));
  }
  return Done{};
}

Status release_overtaken(StoreTransaction& tx, const RootKey& root) {
  const std::string prefix = tables::root_and(root, "");
  std::vector<std::string> bringing;
  OMRSYNC_CHECK(
      tx.scan(tables::kBrings, prefix, ports::end_of_prefix(prefix), SIZE_MAX, [&](const ports::Entry& entry) {
        bringing.emplace_back(tables::behind_root(entry.key));
        return true;
      }));
  for (const std::string& key : bringing) {
    OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, key));
    if (!item || item->state != InboxItem::State::held) continue;
    item->state = InboxItem::State::waiting;
    OMRSYNC_CHECK(put_record(tx, tables::kInbox, key, *item));
  }
  return Done{};
}

Status release_waiting_for_owned(StoreTransaction& tx, const GroupName& group) {
  const std::size_t slash = group.find('/');
  if (slash == std::string::npos || group.find('#') != std::string::npos) return Done{};
  return release_waiting(tx, {group.substr(0, slash), group.substr(slash + 1)});
}

}  // namespace omrsync::node
