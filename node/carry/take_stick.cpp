#include "node/carry/take_stick.h"

#include "node/lives/life.h"
#include "node/receive/take_batch.h"
#include "node/ship/batch_builder.h"
#include "node/tuning.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

Error refuse(Code code, std::string message) { return {Remedy::set_aside, code, std::move(message)}; }

/// The two ends of a link as one of them sees it.
struct Ends {
  Actor ours;
  Actor theirs;
};

Ends ends_of(const LinkLife& life, std::string_view link) {
  return link == kParentLink ? Ends{life.child, life.parent} : Ends{life.parent, life.child};
}

LinkLife life_of(const Actor& self, const Actor& peer, std::string_view link) {
  return link == kParentLink ? LinkLife{self, peer} : LinkLife{peer, self};
}

/// True when the package begins a new life of the link.
Result<bool> begins_life(const Actor& self, std::string_view link, const LinkRecord& record, const LinkLife& life) {
  if (life == record.life) return false;
  const Ends told = ends_of(life, link);
  const Actor known = ends_of(record.life, link).theirs;
  if (told.ours != self)
    return refuse(Code::usb_life_over, "The package was written for an earlier life of this node.");
  if (known.is_load() || known == told.theirs) return true;
  if (known.node != told.theirs.node)
    return refuse(Code::usb_sender_refused, "The package's sender is not the node at the other end of the link.");
  if (told.theirs.incarnation.counter > known.incarnation.counter) return true;
  if (told.theirs.incarnation.counter < known.incarnation.counter)
    return refuse(Code::usb_life_over, "The package was written in an earlier life of its sender.");
  return refuse(Code::usb_chain, "The package's sender is a copy of the node that was known before.");
}

}  // namespace

std::string numbers_text(std::uint64_t first, std::uint64_t last) {
  const std::string text = "change sets " + std::to_string(first);
  return first == last ? text : text + " to " + std::to_string(last);
}

Status ready_link(StoreTransaction& tx, std::int64_t now_ms, const Actor& self, std::string_view link) {
  OMRSYNC_TRY(record, link_record(tx, link));
  const Ends ends = ends_of(record.life, link);
  if (ends.ours == self && !ends.theirs.is_load()) return Done{};
  OMRSYNC_TRY(stick, stick_record(tx, link));
  const Actor peer = ends.theirs.is_load() ? stick.peer : ends.theirs;
  if (peer.is_load())
    return refuse(Code::usb_peer_unknown, "The other node was not heard of yet, neither by line nor by stick.");
  OMRSYNC_CHECK(renew_link(tx, Stamp{now_ms, 0, false}, link, record, life_of(self, peer, link)));
  return put_link(tx, link, record);
}

StickHead stick_head(const Identity& identity, const LinkRecord& link) {
  return {link.life, link.stored, link.stored_chain, link.outcomes_seen, identity.recipient};
}

Status each_receipt(StoreTransaction& tx, std::string_view link, const LinkRecord& record,
                    const std::function<Status(const Receipt&)>& visit) {
  std::string from = link_key(link, 0);
  for (bool more = true; more;) {
    more = false;
    Receipt receipt{record.life, record.stored, {}, false};
    Status read = Done{};
    OMRSYNC_CHECK(tx.scan(tables::kOutcomes, from, link_key(link, UINT64_MAX), tuning::kOutcomesTold,
                          [&](const ports::Entry& entry) {
                            auto stored = decode<Receipt>(entry.value);
                            if (!stored) read = stored.error();
                            if (!read) return false;
                            receipt.outcomes.push_back(std::move(stored->outcomes.front()));
                            from = ports::after(entry.key);
                            more = receipt.outcomes.size() == tuning::kOutcomesTold;
                            return true;
                          }));
    OMRSYNC_CHECK(read);
    receipt.more_outcomes = more;
    OMRSYNC_CHECK(visit(receipt));
  }
  return Done{};
}

Status take_head(StoreTransaction& tx, std::int64_t now_ms, const Actor& self, std::string_view link,
                 LinkRecord& record, const StickHead& head) {
  OMRSYNC_TRY(anew, begins_life(self, link, record, head.life));
  if (anew) OMRSYNC_CHECK(renew_link(tx, Stamp{now_ms, 0, false}, link, record, head.life));
  const bool at_our_end = head.stored_through + 1 == record.next_number;
  if (head.stored_through >= record.next_number || (at_our_end && head.stored_chain != record.chain))
    return refuse(Code::usb_chain, "The package's sender has more of this node than this node knows of.");
  OMRSYNC_CHECK(trim_frozen(tx, link, record, head.stored_through));
  OMRSYNC_CHECK(note_recipient(tx, link, head.recipient));
  if (link == kParentLink) return Done{};
  return tx.erase(tables::kOutcomes, link_key(link, 0), link_key(link, head.outcomes_seen + 1));
}

Status note_sender(StoreTransaction& tx, std::string_view link, const StickHead& head) {
  OMRSYNC_TRY(record, stick_record(tx, link));
  const Actor sender = ends_of(head.life, link).theirs;
  if (!record.peer.is_load() && sender.incarnation.counter < record.peer.incarnation.counter) return Done{};
  record.peer = sender;
  if (!head.recipient.empty()) record.recipient = head.recipient;
  return put_stick(tx, link, record);
}

Status take_stick_batch(StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                        const Batch& batch) {
  Status taken = take_batch(tx, now_ms, link, record, batch);
  if (taken) return taken;
  switch (taken.error().code) {
    case Code::wire_gap:
      return refuse(Code::usb_gap, "Missing: " + numbers_text(record.stored + 1, batch.first - 1) + ".");
    case Code::incarnation_refused:
      return refuse(Code::usb_chain, "The package does not continue what came before it.");
    default:
      return taken;
  }
}

}  // namespace omrsync::node
