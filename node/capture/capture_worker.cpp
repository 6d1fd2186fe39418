#include "node/capture/capture_worker.h"

#include <algorithm>

#include "node/apply/plan.h"
#include "node/capture/take_piece.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::node {

using std::chrono::milliseconds;

Pace CaptureWorker::step(std::stop_token stop) {
  if (!open_)
    if (const Status opened = open(); !opened) {
      report(opened.error());
      backoff_ = std::min(backoff_ * 2, tuning::kCaptureBackoff);
      return Pace::after(backoff_);
    }
  const Result<bool> took = take_some(stop);
  if (!took) {
    report(took.error());
    open_ = false;
    waiting_.reset();
    // A server may say it only when the first event is asked for.
    if (took.error().code == Code::capture_log_purged)
      if (const Status passed = pass_gap(); !passed) report(passed.error());
    backoff_ = std::min(backoff_ * 2, tuning::kCaptureBackoff);
    return Pace::after(backoff_);
  }
  backoff_ = tuning::kFirstBackoff;
  return Pace::at_once();
}

Status CaptureWorker::open() {
  std::optional<ports::LogPosition> from;
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(record, capture_record(*tx));
    if (record) from = record->position;
  }
  if (const Status opened = source_->open(from); !opened) {
    if (opened.error().code != Code::capture_log_purged) return opened.error();
    OMRSYNC_CHECK(pass_gap());
    return Error{Remedy::retry_later, Code::capture_log_purged, "the log was purged; the tables are compared instead"};
  }
  const ports::LogPosition start = source_->read_through();
  if (!from) {
    OMRSYNC_TRY(tx, world_.store.write());
    OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", CaptureRecord{start, world_.clock.utc().count()}));
    OMRSYNC_CHECK(tx->commit());
  }
  open_ = true;
  world_.shared.progress.with([&](Progress& progress) {
    progress.capture_open = true;
    progress.capture_failed = false;
    if (progress.read_through < start) progress.read_through = start;
  });
  world_.shared.changed.ring();
  return Done{};
}

/// What lay in the purged part is found by comparing every table with the ledger (D25); the log is read on from its end.
Status CaptureWorker::pass_gap() {
  OMRSYNC_TRY(end, world_.openmrs.log_end());
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_CHECK(mark_all_unlogged(*tx, world_, end));
  OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", CaptureRecord{end, world_.clock.utc().count()}));
  OMRSYNC_CHECK(append_audit(*tx, R"({"act":"log gap","at_ms":)" + std::to_string(world_.clock.utc().count()) + "}"));
  return tx->commit();
}

/// True when pieces were stored.
Result<bool> CaptureWorker::take_some(std::stop_token stop) {
  if (!waiting_) {
    OMRSYNC_TRY(piece, source_->next(tuning::kCapturePatience));
    waiting_ = std::move(piece);
  }
  ports::LogPosition through = source_->read_through();
  if (waiting_) {
    const milliseconds until = world_.clock.steady() + tuning::kCaptureCommit;
    OMRSYNC_TRY(tx, world_.store.write());
    CaptureRecord record;
    std::vector<RootKey> landed;
    for (std::size_t pieces = 0; waiting_; ++pieces) {
      OMRSYNC_CHECK(take_piece(*tx, world_, *waiting_));
      if (!waiting_->marker_key.empty())
        if (const auto plan = decode_plan(waiting_->marker_payload))
          for (const PlannedRoot& root : plan->roots) landed.push_back(root.root);
      record = {waiting_->position, waiting_->committed_at.count()};
      waiting_.reset();
      if (pieces >= tuning::kCapturePieces || world_.clock.steady() > until || stop.stop_requested()) break;
      OMRSYNC_TRY(piece, source_->next(milliseconds(0)));
      waiting_ = std::move(piece);
    }
    OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", record));
    OMRSYNC_CHECK(tx->commit());
    world_.shared.progress.with([&](Progress& progress) {
      for (const RootKey& root : landed) progress.in_flight.erase(root);
    });
    through = waiting_ ? record.position : std::max(record.position, source_->read_through());
  }
  const bool moved = world_.shared.progress.with([&](Progress& progress) {
    const bool further = progress.read_through < through;
    if (further) progress.read_through = through;
    return further;
  });
  if (moved) world_.shared.changed.ring();
  return moved;
}

void CaptureWorker::report(const Error& error) {
  const bool news = world_.shared.progress.with([&](Progress& p) {
    return !p.capture_failed || p.capture_error.code != error.code;
  });
  if (news) world_.log.failure(ports::Level::warning, "capture.failed", error);
  world_.shared.progress.with([&](Progress& progress) {
    progress.capture_open = false;
    progress.capture_failed = true;
    progress.capture_error = error;
  });
  world_.shared.changed.ring();
}

}  // namespace omrsync::node
