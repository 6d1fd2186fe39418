#include "protocol/messages.h"

#include <algorithm>

#include "protocol/digest.h"
#include "protocol/varint.h"
#include "protocol/wire_convert.h"

namespace omrsync {
namespace {

void fill(const Batch& from, wire::Batch& to) {
  to_wire(from.life, *to.mutable_life());
  to.set_first(from.first);
  to.set_last(from.last);
  to.set_previous_chain(from.previous_chain);
  to.set_digest(from.digest);
  to.set_frame(from.frame);
}

Batch take(const wire::Batch& from) {
  return {from_wire(from.life()), from.first(), from.last(), from.previous_chain(), from.digest(), from.frame()};
}

void fill(const Receipt& from, wire::Receipt& to) {
  to_wire(from.life, *to.mutable_life());
  to.set_stored_through(from.stored_through);
  to.set_more_outcomes(from.more_outcomes);
  for (const Outcome& outcome : from.outcomes) {
    wire::Outcome& out = *to.add_outcomes();
    out.set_sequence(outcome.sequence);
    out.set_number(outcome.number);
    out.set_state(static_cast<std::uint32_t>(outcome.state));
    out.set_code(outcome.code);
    out.set_reason(outcome.reason);
    for (const std::string& id : outcome.conflicts) out.add_conflicts(id);
    for (const std::string& name : outcome.waits_for) out.add_waits_for(name);
  }
}

Receipt take(const wire::Receipt& from) {
  Receipt receipt{from_wire(from.life()), from.stored_through(), {}, from.more_outcomes()};
  for (const wire::Outcome& in : from.outcomes()) {
    Outcome outcome;
    outcome.sequence = in.sequence();
    outcome.number = in.number();
    outcome.state = static_cast<Outcome::State>(in.state() > 7 ? 0 : in.state());
    outcome.code = in.code();
    outcome.reason = in.reason();
    outcome.conflicts.assign(in.conflicts().begin(), in.conflicts().end());
    outcome.waits_for.assign(in.waits_for().begin(), in.waits_for().end());
    receipt.outcomes.push_back(std::move(outcome));
  }
  return receipt;
}

template <typename Generated>
Result<Generated> parse(std::string_view bytes) {
  Generated message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Error{Remedy::retry_later, Code::wire_malformed, "a message of the node protocol cannot be read"};
  return message;
}

}  // namespace

std::int64_t clock_offset(std::int64_t theirs_ms, std::int64_t ours_ms) noexcept {
  constexpr std::int64_t kEndOfYear9999 = 253'402'300'799'999;
  return std::clamp(theirs_ms, std::int64_t{0}, kEndOfYear9999) - ours_ms;
}

std::string next_chain(std::string_view previous, std::string_view digest, std::uint64_t last) {
  std::string link(previous);
  link += digest;
  append_u64(link, last);
  return sha256(link);
}

const char* to_string(Outcome::State state) noexcept {
  static constexpr const char* kNames[] = {"applied", "theirs",      "merged",  "conflict",
                                           "held",    "quarantined", "refused", "duplicate"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string encode(const Hello& m) {
  wire::Hello out;
  out.set_version(m.version);
  to_wire(m.life, *out.mutable_life());
  out.set_name(m.name);
  out.set_up_through(m.up_through);
  out.set_up_chain(m.up_chain);
  out.set_down_through(m.down_through);
  out.set_time_ms(m.time_ms);
  out.set_up_acknowledged(m.up_acknowledged);
  out.set_down_chain(m.down_chain);
  out.set_recipient(m.recipient);
  return out.SerializeAsString();
}

template <>
Result<Hello> decode<Hello>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::Hello>(bytes));
  return Hello{in.version(), from_wire(in.life()), in.name(),       in.up_through(), in.up_chain(), in.down_through(),
               in.time_ms(), in.up_acknowledged(), in.down_chain(), in.recipient()};
}

std::string encode(const HelloAnswer& m) {
  wire::HelloAnswer out;
  out.set_version(m.version);
  to_wire(m.life, *out.mutable_life());
  out.set_up_stored(m.up_stored);
  out.set_up_chain(m.up_chain);
  out.set_time_ms(m.time_ms);
  out.set_down_end(m.down_end);
  out.set_name(m.name);
  out.set_time_error_ms(m.time_error_ms);
  out.set_time_trusted(m.time_trusted);
  out.set_recipient(m.recipient);
  return out.SerializeAsString();
}

template <>
Result<HelloAnswer> decode<HelloAnswer>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::HelloAnswer>(bytes));
  return HelloAnswer{in.version(), from_wire(in.life()), in.up_stored(),    in.up_chain(), in.time_ms(), in.down_end(),
                     in.name(),    in.time_error_ms(),   in.time_trusted(), in.recipient()};
}

std::string encode(const Batch& m) {
  wire::Batch out;
  fill(m, out);
  return out.SerializeAsString();
}

template <>
Result<Batch> decode<Batch>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::Batch>(bytes));
  return take(in);
}

std::string encode(const Push& m) {
  wire::Push out;
  fill(m.batch, *out.mutable_batch());
  out.set_outcomes_seen(m.outcomes_seen);
  return out.SerializeAsString();
}

template <>
Result<Push> decode<Push>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::Push>(bytes));
  return Push{take(in.batch()), in.outcomes_seen()};
}

std::string encode(const Receipt& m) {
  wire::Receipt out;
  fill(m, out);
  return out.SerializeAsString();
}

template <>
Result<Receipt> decode<Receipt>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::Receipt>(bytes));
  return take(in);
}

std::string encode(const Pull& m) {
  wire::Pull out;
  to_wire(m.life, *out.mutable_life());
  out.set_stored_through(m.stored_through);
  out.set_max_bytes(m.max_bytes);
  out.set_wait_ms(m.wait_ms);
  out.set_outcomes_seen(m.outcomes_seen);
  out.set_stored_chain(m.stored_chain);
  return out.SerializeAsString();
}

template <>
Result<Pull> decode<Pull>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::Pull>(bytes));
  return Pull{from_wire(in.life()), in.stored_through(), in.max_bytes(),
              in.wait_ms(),         in.outcomes_seen(),  in.stored_chain()};
}

std::string encode(const PullAnswer& m) {
  wire::PullAnswer out;
  if (m.batch) fill(*m.batch, *out.mutable_batch());
  fill(m.receipt, *out.mutable_receipt());
  out.set_more(m.more);
  return out.SerializeAsString();
}

template <>
Result<PullAnswer> decode<PullAnswer>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::PullAnswer>(bytes));
  PullAnswer answer;
  if (in.has_batch()) answer.batch = take(in.batch());
  answer.receipt = take(in.receipt());
  answer.more = in.more();
  return answer;
}

std::string encode(const Refusal& m) {
  wire::Refusal out;
  out.set_code(static_cast<std::uint32_t>(m.code));
  out.set_message(m.message);
  out.set_retry_after_s(m.retry_after_s);
  return out.SerializeAsString();
}

template <>
Result<Refusal> decode<Refusal>(std::string_view bytes) {
  OMRSYNC_TRY(in, parse<wire::Refusal>(bytes));
  return Refusal{describe(static_cast<Code>(in.code())).code, in.message(), in.retry_after_s()};
}

}  // namespace omrsync
