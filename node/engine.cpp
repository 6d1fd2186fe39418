#include "node/engine.h"

#include "node/apply/apply_worker.h"
#include "node/capture/capture_worker.h"
#include "node/decide/program_worker.h"
#include "node/heal/heal_worker.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::node {

using std::chrono::milliseconds;

struct Engine::Counts {
  std::uint64_t captured = 0, sent = 0, received = 0, applied = 0, theirs = 0, merged = 0, conflict = 0;
};

Engine::Engine(EngineParts parts)
    : world_{parts.store,
             parts.openmrs,
             parts.codec,
             parts.clock,
             parts.entropy,
             parts.log,
             shared_,
             parts.identity,
             LoadDots(parts.identity.network_key),
             parts.push_link != nullptr,
             parts.has_children,
             parts.unseen_window,
             std::move(parts.policy)},
      service_(world_) {
  if (const auto tx = world_.store.read())
    if (const auto known = get_record<TrueTime>(**tx, tables::kMeta, "true_time"); known && *known)
      shared_.true_time.with([&](TrueTime& time) { time = **known; });
  workers_.push_back(std::make_unique<CaptureWorker>(world_, std::move(parts.changes)));
  workers_.push_back(std::make_unique<ApplyWorker>(world_));
  workers_.push_back(std::make_unique<HealWorker>(world_));
  workers_.push_back(std::make_unique<ProgramWorker>(world_, parts.programs));
  if (parts.push_link) {
    workers_.push_back(std::make_unique<PushWorker>(world_, std::move(parts.push_link), contact_));
    workers_.push_back(std::make_unique<PullWorker>(world_, std::move(parts.pull_link), contact_));
  }
}

Engine::~Engine() = default;

std::vector<Worker*> Engine::workers() const {
  std::vector<Worker*> all;
  for (const auto& worker : workers_) all.push_back(worker.get());
  return all;
}

Result<Engine::Counts> Engine::counts() {
  OMRSYNC_TRY(tx, world_.store.read());
  Counts counts;
  const auto read = [&](const char* name, std::uint64_t& into) -> Status {
    OMRSYNC_TRY(bytes, tx->get(tables::kMeta, name));
    into = bytes ? tables::number_from(*bytes) : 0;
    return Done{};
  };
  OMRSYNC_CHECK(read("sequence", counts.captured));
  OMRSYNC_CHECK(read("outcome_applied", counts.applied));
  OMRSYNC_CHECK(read("outcome_theirs", counts.theirs));
  OMRSYNC_CHECK(read("outcome_merged", counts.merged));
  OMRSYNC_CHECK(read("outcome_conflict", counts.conflict));
  OMRSYNC_TRY(link, link_record(*tx, kParentLink));
  counts.sent = link.next_number - 1;
  counts.received = link.stored;
  return counts;
}

/// Nothing of what was there when the round began is left to do.
Result<bool> Engine::round_done(const ports::LogPosition& target, std::uint64_t pulls) {
  // What was committed in OpenMRS and not met in the log yet is still under way, whatever its inbox item says.
  if (!shared_.captured(target) || shared_.anything_flies()) return false;
  OMRSYNC_TRY(tx, world_.store.read());
  bool open = false;
  const auto any_waiting = [&](const ports::Entry& entry) {
    const auto item = decode_record<InboxItem>(entry.value);
    open = item && item->state == InboxItem::State::waiting;
    return !open;
  };
  OMRSYNC_CHECK(tx->scan(tables::kInbox, "", "", SIZE_MAX, any_waiting));
  if (open) return false;
  if (!world_.has_parent) return true;
  const auto any = [&](const ports::Entry&) {
    open = true;
    return false;
  };
  const auto any_untold = [&](const ports::Entry& entry) {
    const auto sent = decode_record<SentSet>(entry.value);
    open = sent && sent->told != Outcome::State::held && sent->told != Outcome::State::quarantined;
    return !open;
  };
  OMRSYNC_CHECK(tx->scan(tables::kOutbox, "", "", 1, any));
  OMRSYNC_CHECK(tx->scan(tables::kFrozen, link_key(kParentLink, 0), link_key(kParentLink, UINT64_MAX), 1, any));
  if (open) return false;
  OMRSYNC_CHECK(tx->scan(tables::kSent, "", "", SIZE_MAX, any_untold));
  OMRSYNC_TRY(link, link_record(*tx, kParentLink));
  return !open && link.load.done && contact_.with([&](ParentContact& c) { return c.pulls_empty > pulls; });
}

std::optional<Error> Engine::line_failure() {
  return contact_.with(
      [](ParentContact& c) { return c.introduced || c.failures < tuning::kRoundTries ? std::nullopt : c.failure; });
}

/// Sets that cannot go on now, here and as far as the parent told.
Result<Engine::Stuck> Engine::stuck() {
  Stuck stuck;
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_CHECK(tx->scan(tables::kSent, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    if (const auto sent = decode_record<SentSet>(entry.value)) {
      stuck.held += sent->told == Outcome::State::held;
      stuck.quarantined += sent->told == Outcome::State::quarantined;
    }
    return true;
  }));
  OMRSYNC_CHECK(tx->scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    if (const auto item = decode_record<InboxItem>(entry.value)) {
      stuck.held += item->state == InboxItem::State::held;
      stuck.quarantined += item->state == InboxItem::State::quarantined;
    }
    return true;
  }));
  return stuck;
}

RoundReport Engine::round(milliseconds deadline, std::stop_token stop) {
  RoundReport report;
  const auto before = counts();
  auto target = world_.openmrs.log_end();
  if (!before || !target) {
    report.failure = before ? target.error() : before.error();
    return report;
  }
  std::uint64_t pulls = contact_.with([](ParentContact& c) {
    ++c.hurried;
    c.failures = 0;
    return c.pulls_empty;
  });
  std::uint64_t held = 0;
  milliseconds held_since{0};
  for (;;) {
    const std::uint64_t seen = shared_.changed.rings();
    // An answer of "nothing new" counts only when it was asked for after everything sent had its outcome.
    const auto done = round_done(*target, pulls);
    const milliseconds now = world_.clock.steady();
    if (done && *done) {
      // What is held may wait only for something that is on its way: it is given a moment.
      const auto left = stuck();
      if (!left || left->held == 0 || (left->held == held && now - held_since >= tuning::kHeldPatience)) break;
      if (left->held != held) held_since = now;
      held = left->held;
    }
    if (stop.stop_requested() || now >= deadline || shared_.over.load()) {
      report.failure = line_failure().value_or(
          Error{Remedy::retry_later, Code::line_busy, "the round did not come to its end in time"});
      break;
    }
    if (auto failure = line_failure()) {
      report.failure = std::move(failure);
      break;
    }
    shared_.changed.wait(seen, std::min(milliseconds(100), deadline - now));
  }
  contact_.with([](ParentContact& c) { --c.hurried; });
  if (const auto after = counts()) {
    report.captured = after->captured - before->captured;
    report.sent = after->sent - before->sent;
    report.received = after->received - before->received;
    report.merged = after->merged - before->merged;
    report.applied = after->applied - before->applied + after->theirs - before->theirs + report.merged;
    report.conflicts = after->conflict - before->conflict;
  }
  if (const auto left = stuck()) {
    report.held = left->held;
    report.quarantined = left->quarantined;
  }
  return report;
}

}  // namespace omrsync::node
