#include "node/capture/capture_worker.h"

#include <algorithm>

#include "node/apply/landing.h"
#include "node/capture/take_piece.h"
#include "node/lives/signature.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::node {

using std::chrono::milliseconds;

Pace CaptureWorker::step(std::stop_token stop) {
  if (world_.shared.over.load()) return Pace::after(tuning::kCapturePatience);
  const std::uint64_t wanted = world_.shared.wanted.rings();
  const Result<bool> did = do_some(stop);
  if (!did) return failed(did.error());
  backoff_ = tuning::kFirstBackoff;
  told_.reset();
  return caught_up_ ? Pace::until(world_.shared.wanted, wanted, tuning::kCaptureRest) : Pace::at_once();
}

Pace CaptureWorker::failed(const Error& error) {
  report(error);
  open_ = false;
  waiting_.reset();
  reconciler_.reset();
  quiet_since_.reset();
  backoff_ = std::min(backoff_ * 2, tuning::kCaptureBackoff);
  return Pace::after(backoff_);
}

Result<bool> CaptureWorker::do_some(std::stop_token stop) {
  if (reconciler_) {
    OMRSYNC_TRY(done, reconciler_->step());
    if (done) reconciler_.reset();
    return true;
  }
  if (!open_) {
    std::optional<NewLife> life;
    {
      OMRSYNC_TRY(tx, world_.store.read());
      OMRSYNC_TRY(read, new_life(*tx));
      life = std::move(read);
    }
    if (life) return begin_reconciling(*life);
    OMRSYNC_CHECK(open());
    if (!open_) return false;
  }
  auto took = take_some(stop);
  if (!took && took.error().code == Code::capture_position_foreign) {
    OMRSYNC_CHECK(begin_new_life(world_, LifeEnd::database));
    return false;
  }
  // A server may say it only when the first event is asked for.
  if (!took && took.error().code == Code::capture_log_purged) OMRSYNC_CHECK(pass_gap());
  if (took && !*took) OMRSYNC_CHECK(forget_markers());
  if (took) OMRSYNC_CHECK(sign_now_and_then());
  return took;
}

Result<bool> CaptureWorker::begin_reconciling(const NewLife& life) {
  OMRSYNC_TRY(quiet, is_quiet(life));
  if (!quiet) return false;
  quiet_since_.reset();
  reconciler_ = std::make_unique<Reconciler>(world_, life);
  return true;
}

/// While a dump is loaded, rows that are not there yet are not absent.
Result<bool> CaptureWorker::is_quiet(const NewLife& life) {
  if (life.end == LifeEnd::clone) return true;
  const milliseconds now = world_.clock.steady();
  if (!quiet_since_) {
    OMRSYNC_CHECK(source_->open(std::nullopt));
    quiet_since_ = now;
  }
  const auto piece = source_->next(tuning::kCapturePatience);
  if (!piece && piece.error().code != Code::capture_position_foreign) return piece.error();
  if (!piece) quiet_since_.reset();
  if (!piece || *piece) {
    if (quiet_since_) quiet_since_ = now;
    return piece && world_.clock.utc().count() - life.since_ms > tuning::kReloadMost.count();
  }
  return now - *quiet_since_ >= tuning::kReloadQuiet;
}

/// Opens the log where capture stands, unless what is there is another life of the database or of the store.
Status CaptureWorker::open() {
  std::optional<ports::LogPosition> from;
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(record, capture_record(*tx));
    if (record) from = record->position;
  }
  const Status opened = source_->open(from);
  const bool known = opened || opened.error().code == Code::capture_log_purged ||
                     opened.error().code == Code::capture_position_foreign;
  if (!known) return opened.error();
  OMRSYNC_TRY(ended, compare_signatures(world_, opened));
  if (ended) return begin_new_life(world_, *ended);
  if (!opened) {
    OMRSYNC_CHECK(pass_gap());
    return Error{Remedy::retry_later, Code::capture_log_purged, "the log was purged; the tables are compared instead"};
  }
  const ports::LogPosition start = source_->read_through();
  if (!from) {
    OMRSYNC_TRY(tx, world_.store.write());
    OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", CaptureRecord{start, world_.clock.utc().count()}));
    OMRSYNC_CHECK(tx->commit());
  }
  OMRSYNC_CHECK(sign_database(world_));
  signed_at_ = world_.clock.steady();
  markers_ = tuning::kMarkersKept;
  open_ = true;
  world_.shared.progress.with([&](Progress& progress) {
    progress.capture_open = true;
    progress.capture_failed = false;
    if (progress.read_through < start) progress.read_through = start;
  });
  world_.shared.changed.ring();
  return Done{};
}

Status CaptureWorker::sign_now_and_then() {
  if (!wrote_ || world_.clock.steady() - signed_at_ < tuning::kSignEvery) return Done{};
  OMRSYNC_CHECK(sign_database(world_));
  signed_at_ = world_.clock.steady();
  wrote_ = false;
  return Done{};
}

/// Markers that capture has passed stop no repeat any more: their sets are done with.
Status CaptureWorker::forget_markers() {
  if (markers_ < tuning::kMarkersKept) return Done{};
  OMRSYNC_TRY(keys, world_.openmrs.markers());
  OMRSYNC_TRY(end, world_.openmrs.log_end());
  const bool passed = world_.shared.progress.with([&](Progress& p) { return !(p.read_through < end); });
  if (!passed) return Done{};
  markers_ = 0;
  return keys.size() < 2 ? Status{Done{}} : world_.openmrs.forget_markers(keys);
}

/// What lay in the purged part is found by comparing every table with the ledger (D25); the log is read on from its
/// end.
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
  caught_up_ = false;
  if (waiting_) {
    const milliseconds until = world_.clock.steady() + tuning::kCaptureCommit;
    OMRSYNC_TRY(tx, world_.store.write());
    CaptureRecord record;
    std::vector<ApplyPlan> landed;
    std::optional<Error> failure;
    bool local = false;
    for (std::size_t pieces = 0; waiting_; ++pieces) {
      OMRSYNC_TRY(plan, take_piece(*tx, world_, *waiting_));
      local = local || (!plan && !waiting_->roots.empty());
      markers_ += plan ? 1 : 0;
      if (plan) landed.push_back(std::move(*plan));
      record = {waiting_->position, waiting_->committed_at.count()};
      waiting_.reset();
      if (pieces >= tuning::kCapturePieces || world_.clock.steady() > until || stop.stop_requested()) break;
      auto piece = source_->next(milliseconds(0));
      if (piece)
        waiting_ = std::move(*piece);
      else
        failure = piece.error();  // what was read before it counts
    }
    OMRSYNC_CHECK(put_record(*tx, tables::kMeta, "capture", record));
    OMRSYNC_CHECK(tx->commit());
    caught_up_ = local && !waiting_;
    if (local)
      world_.shared.progress.with([&](Progress& progress) { progress.local_write_at = world_.clock.steady(); });
    for (const ApplyPlan& plan : landed) no_longer_flies(plan, world_.shared);
    if (!landed.empty()) world_.shared.arrived.ring();  // what waited for them may go on
    wrote_ = true;
    if (failure) return *failure;
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
  if (told_ != error.code) world_.log.failure(ports::Level::warning, "capture.failed", error);
  told_ = error.code;
  world_.shared.progress.with([&](Progress& progress) {
    progress.capture_open = false;
    progress.capture_failed = true;
    progress.capture_error = error;
  });
  world_.shared.changed.ring();
}

}  // namespace omrsync::node
