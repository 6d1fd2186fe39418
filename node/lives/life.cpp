#include "node/lives/life.h"

#include <algorithm>
#include <vector>

#include "node/lives/signature.h"
#include "node/plant.h"
#include "node/ship/offer.h"
#include "node/tuning.h"
#include "protocol/envelope.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

constexpr const char* kConfirmed = "sequence_confirmed";

Status put_past(StoreTransaction& tx, InboxItem item, std::string_view body) {
  OMRSYNC_TRY(number, take_number(tx, "past_end"));
  const std::string key = link_key(kPastLink, number);
  OMRSYNC_CHECK(tx.put(tables::kInboxBody, key, body));
  return put_record(tx, tables::kInbox, key, item);
}

/// What only frozen batches hold may be lost in the database that came back (R35).
Status keep_frozen(StoreTransaction& tx, const World& world) {
  std::vector<std::string> batches;
  OMRSYNC_CHECK(tx.scan(tables::kFrozen, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    batches.emplace_back(entry.key);
    return true;
  }));
  for (const std::string& key : batches) {
    OMRSYNC_TRY(bytes, tx.get(tables::kFrozen, key));
    if (!bytes) continue;
    OMRSYNC_TRY(batch, decode<Batch>(*bytes));
    OMRSYNC_CHECK(read_frame(batch.frame, tuning::kFrameBytesMost, [&](std::string_view body) -> Status {
      OMRSYNC_TRY(envelope, decode_envelope(body));
      if (envelope.entries.empty()) return Done{};
      InboxItem item;
      item.set = envelope.set;
      item.load = envelope.kind == Envelope::Kind::load;
      item.since_ms = world.clock.utc().count();
      for (const Entry& entry : envelope.entries) item.roots.push_back(entry.root);
      return put_past(tx, std::move(item), body);
    }));
    OMRSYNC_CHECK(tx.erase(tables::kFrozen, key, ports::after(key)));
  }
  return Done{};
}

/// Numbers begin anew with each life of a link: what came in the old one makes room.
Status keep_inbox(StoreTransaction& tx, std::string_view link) {
  std::vector<std::string> keys;
  const std::string from = link_key(link, 0), to = link_key(link, UINT64_MAX);
  OMRSYNC_CHECK(tx.scan(tables::kInbox, from, to, SIZE_MAX, [&](const ports::Entry& entry) {
    keys.emplace_back(entry.key);
    return true;
  }));
  for (const std::string& key : keys) {
    OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, key));
    OMRSYNC_TRY(body, tx.get(tables::kInboxBody, key));
    if (!item) continue;
    item->sender = link;
    OMRSYNC_CHECK(leave_places(tx, *item, key));
    if (item->state == InboxItem::State::held) item->state = InboxItem::State::waiting;
    item->waits_for.clear();
    OMRSYNC_CHECK(put_past(tx, std::move(*item), body ? *body : std::string()));
  }
  OMRSYNC_CHECK(tx.erase(tables::kInbox, from, to));
  return tx.erase(tables::kInboxBody, from, to);
}

/// Roots of which the ledger knows and the database holds nothing: pages of the first load do not have them.
Status offer_absent(StoreTransaction& tx, const Stamp& now, const Actor& self) {
  std::vector<RootKey> absent;
  Status read = Done{};
  OMRSYNC_CHECK(tx.scan(tables::kLedger, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    if (entry.value.empty()) return true;  // forgotten
    const auto row = decode_ledger_row(entry.value);
    if (!row) {
      read = row.error();
      return false;
    }
    if (row->hashes.empty()) absent.push_back(tables::root_from(entry.key));
    return true;
  }));
  OMRSYNC_CHECK(read);
  for (std::size_t from = 0; from < absent.size(); from += tuning::kLoadRoots) {
    const auto begin = absent.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = absent.begin() + static_cast<std::ptrdiff_t>(std::min(absent.size(), from + tuning::kLoadRoots));
    OMRSYNC_TRY(sequence, take_number(tx, "sequence"));
    OMRSYNC_CHECK(put_offer(tx, {{self, sequence}, 0, {}, now, {begin, end}, true}));
  }
  return Done{};
}

}  // namespace

const char* to_string(LifeEnd end) noexcept {
  switch (end) {
    case LifeEnd::database:
      return "database";
    case LifeEnd::store:
      return "store";
    case LifeEnd::clone:
      return "clone";
  }
  return "";
}

void NewLife::pack(Packer& out) const {
  out.number(static_cast<std::uint64_t>(end)).signed_number(since_ms).actor(before).number(confirmed);
}

NewLife NewLife::unpack(Unpacker& in) {
  NewLife r;
  r.end = static_cast<LifeEnd>(std::min<std::uint64_t>(in.number(), 2));
  r.since_ms = in.signed_number();
  r.before = in.actor();
  r.confirmed = in.number();
  return r;
}

Result<std::optional<NewLife>> new_life(StoreTransaction& tx) {
  return get_record<NewLife>(tx, tables::kMeta, "new_life");
}

namespace {

Status take_incarnation(StoreTransaction& tx, const World& world, LifeEnd end) {
  OMRSYNC_TRY(known, identity(tx));
  if (!known || known->incarnation != world.identity.incarnation) return Done{};
  if (!OMRSYNC_PLANTED(same_incarnation)) known->incarnation = {known->incarnation.counter + 1, world.entropy.next()};
  OMRSYNC_CHECK(put_identity(tx, *known));
  OMRSYNC_CHECK(forget_signature(tx));  // the database that is there now is ours from here on
  const std::int64_t now = world.clock.utc().count();
  if (end == LifeEnd::database) OMRSYNC_CHECK(keep_frozen(tx, world));
  if (end != LifeEnd::store) {
    OMRSYNC_TRY(confirmed, tx.get(tables::kMeta, kConfirmed));
    const NewLife life{end, now, world.identity.actor(), confirmed ? tables::number_from(*confirmed) : 0};
    OMRSYNC_CHECK(put_record(tx, tables::kMeta, "new_life", life));
  }
  return append_audit(tx, R"({"act":"new life","at_ms":)" + std::to_string(now) + R"(,"because":")" + to_string(end) +
                              R"(","epoch":)" + std::to_string(known->incarnation.counter) + "}");
}

}  // namespace

Status begin_new_life(const World& world, LifeEnd end) {
  OMRSYNC_TRY(tx, world.store.write());
  OMRSYNC_CHECK(take_incarnation(*tx, world, end));
  OMRSYNC_CHECK(tx->commit());
  world.log.info("node.new_life");
  world.shared.over.store(true);
  world.shared.changed.ring();
  return Done{};
}

Status confirm_numbers(StoreTransaction& tx) {
  OMRSYNC_TRY(sequence, tx.get(tables::kMeta, "sequence"));
  return sequence ? tx.put(tables::kMeta, kConfirmed, *sequence) : Status{Done{}};
}

Status renew_link(StoreTransaction& tx, const Stamp& now, std::string_view link, LinkRecord& record,
                  const LinkLife& life) {
  for (const auto table : {tables::kFrozen, tables::kSent, tables::kOutcomes})
    OMRSYNC_CHECK(tx.erase(table, link_key(link, 0), link_key(link, UINT64_MAX)));
  if (!OMRSYNC_PLANTED(inbox_dropped)) OMRSYNC_CHECK(keep_inbox(tx, link));
  OMRSYNC_TRY(stick, stick_record(tx, link));
  if (!stick.draft.empty()) {
    stick.draft.clear();  // its numbers were those of the old life
    OMRSYNC_CHECK(put_stick(tx, link, stick));
  }
  LinkRecord fresh;
  fresh.life = life;
  fresh.lives = record.lives + 1;
  fresh.offer_all = !record.life.child.is_load();  // never used: what was written meanwhile is in the outbox
  record = std::move(fresh);
  return link == kParentLink && record.offer_all && !OMRSYNC_PLANTED(tombstones_dropped)
             ? offer_absent(tx, now, life.child)
             : Status{Done{}};
}

}  // namespace omrsync::node
