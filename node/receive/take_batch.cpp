#include "node/receive/take_batch.h"

#include "node/plant.h"
#include "node/ship/batch_builder.h"
#include "node/tuning.h"
#include "protocol/digest.h"
#include "protocol/envelope.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

Error refuse(Code code, const char* message) { return {Remedy::retry_later, code, message}; }

Status put_set(StoreTransaction& tx, std::int64_t now_ms, std::string_view link, const Envelope& envelope,
               std::string_view bytes) {
  InboxItem item;
  item.set = envelope.set;
  item.load = envelope.kind == Envelope::Kind::load;
  item.since_ms = now_ms;
  for (const Entry& entry : envelope.entries) item.roots.push_back(entry.root);
  const std::string key = link_key(link, envelope.number);
  OMRSYNC_CHECK(tx.put(tables::kInboxBody, key, bytes));
  return put_record(tx, tables::kInbox, key, item);
}

/// A child is told of a set that was quarantined as it came in. `record` is the link's, still to be written.
Status tell_quarantined(StoreTransaction& tx, std::string_view link, LinkRecord& record, std::uint64_t number,
                        const Error& error) {
  if (link == kParentLink) return Done{};
  Outcome outcome;
  outcome.sequence = record.next_outcome++;
  outcome.number = number;
  outcome.state = Outcome::State::quarantined;
  outcome.code = static_cast<std::uint32_t>(error.code);
  outcome.reason = error.message;
  Receipt receipt;
  receipt.outcomes.push_back(outcome);
  return tx.put(tables::kOutcomes, link_key(link, outcome.sequence), encode(receipt));
}

/// An envelope that cannot be read is kept and quarantined, so that the sets behind it go on.
Status put_unreadable(StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                      std::uint64_t number, std::string_view bytes, const Error& error) {
  InboxItem item;
  item.state = InboxItem::State::quarantined;
  item.since_ms = now_ms;
  item.code = static_cast<std::uint32_t>(error.code);
  item.reason = error.message;
  item.told = true;
  OMRSYNC_CHECK(tell_quarantined(tx, link, record, number, error));
  const std::string key = link_key(link, number);
  OMRSYNC_CHECK(tx.put(tables::kInboxBody, key, bytes));
  return put_record(tx, tables::kInbox, key, item);
}

bool is_final(Outcome::State state) noexcept {
  return state != Outcome::State::held && state != Outcome::State::quarantined;
}

}  // namespace

Status take_batch(StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                  const Batch& batch) {
  if (batch.life != record.life) return refuse(Code::wire_life_over, "the batch belongs to another life of this link");
  if (batch.last < batch.first || batch.first == 0 || batch.last == UINT64_MAX)
    return refuse(Code::wire_malformed, "a batch has no numbers");
  if (OMRSYNC_PLANTED(batches_twice)) {
    record.stored = batch.first - 1;
    record.stored_chain = batch.previous_chain;
  }
  if (batch.last <= record.stored) return Done{};
  if (batch.first != record.stored + 1) return refuse(Code::wire_gap, "change sets are missing before the batch");
  if (sha256(batch.frame) != batch.digest) return refuse(Code::wire_digest_mismatch, "a batch is not what was sent");
  if (batch.previous_chain != record.stored_chain)
    return refuse(Code::incarnation_refused, "the batch does not continue what was stored before");
  std::uint64_t expected = batch.first;
  OMRSYNC_CHECK(read_frame(batch.frame, tuning::kFrameBytesMost, [&](std::string_view bytes) -> Status {
    const auto envelope = decode_envelope(bytes);
    if (!envelope) return put_unreadable(tx, now_ms, link, record, expected++, bytes, envelope.error());
    const bool run = envelope->kind == Envelope::Kind::empty_run;
    const std::uint64_t through = run ? envelope->through : envelope->number;
    if (envelope->number != expected || through < expected || through > batch.last)
      return refuse(Code::wire_malformed, "the numbers in a batch are not those on its label");
    expected = through + 1;
    return run ? Status{Done{}} : put_set(tx, now_ms, link, *envelope, bytes);
  }));
  if (expected != batch.last + 1) return refuse(Code::wire_malformed, "a batch holds fewer sets than its label says");
  record.stored = batch.last;
  record.stored_chain = next_chain(batch.previous_chain, batch.digest, batch.last);
  return append_audit(tx, R"({"act":"stored","at_ms":)" + std::to_string(now_ms) + R"(,"link":")" + std::string(link) +
                              R"(","first":)" + std::to_string(batch.first) + R"(,"last":)" +
                              std::to_string(batch.last) + "}");
}

Status take_receipt(StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                    const Receipt& receipt) {
  if (receipt.life != record.life) return Done{};  // a receipt of another life trims nothing (D28)
  OMRSYNC_CHECK(
      trim_frozen(tx, link, record, OMRSYNC_PLANTED(trims_all) ? record.next_number - 1 : receipt.stored_through));
  for (const Outcome& outcome : receipt.outcomes) {
    if (outcome.sequence <= record.outcomes_seen) continue;
    record.outcomes_seen = outcome.sequence;
    const std::string key = link_key(link, outcome.number);
    OMRSYNC_TRY(sent, get_record<SentSet>(tx, tables::kSent, key));
    if (!sent) continue;
    std::string text = R"({"act":"outcome","at_ms":)" + std::to_string(now_ms) + R"(,"set":")" + to_string(sent->set) +
                       R"(","number":)" + std::to_string(outcome.number) + R"(,"outcome":")" +
                       to_string(outcome.state) + "\"";
    for (const std::string& id : outcome.conflicts) text += R"(,"conflict":")" + id + "\"";
    OMRSYNC_CHECK(append_audit(tx, text + "}"));
    if (is_final(outcome.state)) {
      OMRSYNC_CHECK(tx.erase(tables::kSent, key, ports::after(key)));
      continue;
    }
    sent->stored = true;
    sent->told = outcome.state;
    sent->code = outcome.code;
    sent->reason = outcome.reason;
    sent->waits_for = outcome.waits_for;
    OMRSYNC_CHECK(put_record(tx, tables::kSent, key, *sent));
  }
  return Done{};
}

}  // namespace omrsync::node
