#include "node/ship/parent_workers.h"

#include <algorithm>

#include "node/lives/life.h"
#include "node/receive/take_batch.h"
#include "node/tuning.h"

namespace omrsync::node {

using std::chrono::milliseconds;

namespace {

/// An answer that no omrsync node gave (P-3): a proxy, a login page, a crash in between.
Result<std::string> body_of(ports::Response response) {
  if (response.content_type != kWireContentType)
    return Error{Remedy::retry_later, Code::line_foreign_answer,
                 "status " + std::to_string(response.status) + " and no answer of an omrsync node"};
  if (response.status == 200) return std::move(response.body);
  OMRSYNC_TRY(refusal, decode<Refusal>(response.body));
  return Error{Remedy::retry_later, refusal.code, refusal.message};
}

}  // namespace

Hello greeting(const Identity& identity, const LinkRecord& link, std::int64_t now_ms) {
  return {kWireVersion,
          {identity.actor(), link.life.parent},
          identity.name,
          link.next_number - 1,
          link.chain,
          link.stored,
          now_ms,
          link.acknowledged,
          link.stored_chain,
          identity.recipient};
}

Pace ParentWorker::step(std::stop_token) {
  if (!asked_) {
    const std::uint64_t seen = world_.shared.changed.rings();
    auto next = question();
    if (!next) return failed(next.error());
    if (!*next) return Pace::until(world_.shared.changed, seen, idle());
    if (const Status sent = link_->send(std::move(**next)); !sent) return failed(sent.error());
    asked_ = true;
    asked_at_ = world_.clock.steady();
    return Pace::at_once();
  }
  auto response = link_->collect(tuning::kCapturePatience);
  if (!response) return failed(response.error());
  if (!*response) {
    if (impatient()) asked_ = false;
    return Pace::at_once();
  }
  asked_ = false;
  auto body = body_of(std::move(**response));
  if (!body) {
    // The parent has more of us than we know of, or something else: our whole disk was put back, or copied (R38).
    if (body.error().code == Code::incarnation_refused) (void)begin_new_life(world_, LifeEnd::clone);
    return failed(body.error());
  }
  if (const Status taken = take(*body); !taken) return failed(taken.error());
  backoff_ = milliseconds(0);
  not_before_ = milliseconds(0);
  contact_.with([](ParentContact& contact) { contact.failures = 0; });
  (void)note_contact(nullptr);
  return Pace::at_once();
}

/// After a failure, for somebody who waits for a round.
bool ParentWorker::wants_now() {
  const milliseconds now = world_.clock.steady();
  return now < not_before_ && now >= failed_at_ + tuning::kHurriedRetry &&
         contact_.with([](ParentContact& c) { return c.hurried > 0; });
}

Pace ParentWorker::failed(const Error& error) {
  asked_ = false;
  const bool known = error.code != Code::line_busy;
  contact_.with([&](ParentContact& contact) {
    contact.introduced = contact.introduced && !known;
    contact.failure = error;
    ++contact.failures;
  });
  world_.shared.changed.ring();
  (void)note_contact(&error);
  backoff_ = std::clamp(backoff_ * 2, tuning::kLineBackoffFirst, tuning::kLineBackoffMost);
  const auto range = static_cast<std::uint64_t>(backoff_.count());
  failed_at_ = world_.clock.steady();
  not_before_ = failed_at_ + milliseconds(world_.entropy.next() % (range + 1));
  return Pace::after(not_before_ - failed_at_);
}

/// The state of the line, for `status`; written only when it changes.
Status ParentWorker::note_contact(const Error* error) {
  const std::uint32_t code = error == nullptr ? 0 : static_cast<std::uint32_t>(error->code);
  if (code == noted_code_) return Done{};
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, kParentLink));
  record.error_code = code;
  record.error_message = error == nullptr ? std::string() : error->message;
  if (error == nullptr) record.last_contact_ms = world_.clock.utc().count();
  OMRSYNC_CHECK(put_link(*tx, kParentLink, record));
  OMRSYNC_CHECK(tx->commit());
  noted_code_ = code;
  if (error != nullptr)
    world_.log.failure(ports::Level::warning, "line.failed", *error);
  else
    world_.log.info("line.ok");
  return Done{};
}

/// A batch is about five seconds of line (P-9).
void ParentWorker::adapt(std::size_t bytes) {
  const auto time = std::max(milliseconds(1), took());
  if (time > tuning::kBatchLineTime * 2 || (time < tuning::kBatchLineTime / 2 && bytes * 2 > batch_bytes_)) {
    const double factor = static_cast<double>(tuning::kBatchLineTime.count()) / static_cast<double>(time.count());
    const auto wanted = static_cast<std::size_t>(static_cast<double>(bytes) * std::clamp(factor, 0.25, 2.0));
    batch_bytes_ = std::clamp(wanted, tuning::kBatchBytesLeast, tuning::kBatchBytesMost);
  }
}

PushWorker::PushWorker(const World& world, std::unique_ptr<ports::ParentLink> link, Guarded<ParentContact>& contact)
    : ParentWorker(world, std::move(link), contact), builder_(world, kParentLink) {
  batch_bytes_ = tuning::kBatchBytesFirst;
}

milliseconds PushWorker::idle() const { return builder_.waits() ? milliseconds(10) : tuning::kApplyIdle; }

Result<std::optional<ports::Request>> PushWorker::question() {
  const bool introduced = contact_.with([](ParentContact& c) { return c.introduced; });
  LinkRecord record;
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(read, link_record(*tx, kParentLink));
    record = std::move(read);
  }
  hello_asked_ = !introduced;
  if (!introduced) {
    const Hello hello = greeting(world_.identity, record, world_.clock.utc().count());
    return std::optional<ports::Request>({kHelloPath, encode(hello)});
  }
  OMRSYNC_TRY(batch, builder_.next(batch_bytes_));
  if (!batch) return std::optional<ports::Request>{};
  sent_bytes_ = batch->frame.size();
  return std::optional<ports::Request>({kPushPath, encode(Push{std::move(*batch), record.outcomes_seen})});
}

Status PushWorker::take(const std::string& body) {
  if (hello_asked_) return take_hello(body);
  OMRSYNC_TRY(receipt, decode<Receipt>(body));
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, kParentLink));
  record.last_contact_ms = world_.clock.utc().count();
  OMRSYNC_CHECK(take_receipt(*tx, record.last_contact_ms, kParentLink, record, receipt));
  OMRSYNC_CHECK(confirm_numbers(*tx));
  OMRSYNC_CHECK(put_link(*tx, kParentLink, record));
  OMRSYNC_CHECK(tx->commit());
  adapt(sent_bytes_);
  world_.shared.changed.ring();
  return Done{};
}

Status PushWorker::take_hello(const std::string& body) {
  OMRSYNC_TRY(answer, decode<HelloAnswer>(body));
  if (answer.version != kWireVersion)
    return Error{Remedy::retry_later, Code::wire_version_unknown, "the parent speaks another version of the protocol"};
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, kParentLink));
  if (answer.life.child != world_.identity.actor())
    return Error{Remedy::retry_later, Code::wire_life_over, "the parent answered another life of this node"};
  // First contact, or one side began a new life: everything is offered anew (D28).
  if (record.life != answer.life) {
    OMRSYNC_CHECK(renew_link(*tx, world_.stamp(world_.clock.utc().count()), kParentLink, record, answer.life));
  } else {
    OMRSYNC_CHECK(confirm_numbers(*tx));
  }
  OMRSYNC_CHECK(trim_frozen(*tx, kParentLink, record, answer.up_stored));
  OMRSYNC_CHECK(note_recipient(*tx, kParentLink, answer.recipient));
  record.last_contact_ms = world_.clock.utc().count();
  record.clock_offset_ms = clock_offset(answer.time_ms, record.last_contact_ms);
  const TrueTime time = world_.shared.true_time.with([&](TrueTime& known) {
    const ToldTime told{answer.time_ms, answer.time_error_ms, answer.time_trusted};
    take_time(known, world_.clock, told, took());
    return known;
  });
  OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "true_time", time));
  OMRSYNC_CHECK(put_link(*tx, kParentLink, record));
  OMRSYNC_CHECK(tx->commit());
  note_clock(milliseconds(record.clock_offset_ms));
  contact_.with([&](ParentContact& contact) {
    contact.introduced = true;
    contact.failure.reset();
    contact.down_end = answer.down_end;
    contact.pulls_empty = 0;
  });
  return Done{};
}

/// Told once for each time that it goes off.
void PushWorker::note_clock(milliseconds offset) {
  const bool off = std::chrono::abs(offset) > tuning::kClockOff;
  if (off && !clock_off_) world_.log.warning("clock.off", {{"code", Code::clock_off}, {"parent_ahead", offset}});
  clock_off_ = off;
}

PullWorker::PullWorker(const World& world, std::unique_ptr<ports::ParentLink> link, Guarded<ParentContact>& contact)
    : ParentWorker(world, std::move(link), contact) {
  batch_bytes_ = tuning::kBatchBytesFirst;
}

milliseconds PullWorker::idle() const { return tuning::kApplyIdle; }

Result<std::optional<ports::Request>> PullWorker::question() {
  if (!contact_.with([](ParentContact& c) { return c.introduced; })) return std::optional<ports::Request>{};
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_TRY(record, link_record(*tx, kParentLink));
  const bool hurried = contact_.with([](ParentContact& c) { return c.hurried > 0; });
  waits_there_ = !hurried;
  const milliseconds wait = hurried ? milliseconds(0) : tuning::kPullWait;
  const Pull pull{record.life,          record.stored,      batch_bytes_, static_cast<std::uint32_t>(wait.count()),
                  record.outcomes_seen, record.stored_chain};
  return std::optional<ports::Request>({kPullPath, encode(pull)});
}

bool PullWorker::impatient() {
  return waits_there_ && contact_.with([](ParentContact& c) { return c.hurried > 0; });
}

Status PullWorker::take(const std::string& body) {
  OMRSYNC_TRY(answer, decode<PullAnswer>(body));
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, kParentLink));
  record.last_contact_ms = world_.clock.utc().count();
  if (answer.batch) OMRSYNC_CHECK(take_batch(*tx, record.last_contact_ms, kParentLink, record, *answer.batch));
  OMRSYNC_CHECK(take_receipt(*tx, record.last_contact_ms, kParentLink, record, answer.receipt));
  OMRSYNC_CHECK(put_link(*tx, kParentLink, record));
  OMRSYNC_CHECK(tx->commit());
  if (answer.batch) adapt(answer.batch->frame.size());
  contact_.with(
      [&](ParentContact& contact) { contact.pulls_empty = answer.batch || answer.more ? 0 : contact.pulls_empty + 1; });
  if (answer.batch) world_.shared.arrived.ring();
  world_.shared.changed.ring();
  return Done{};
}

}  // namespace omrsync::node
