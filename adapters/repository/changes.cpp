#include "adapters/repository/changes.h"

namespace omrsync::repository {
namespace {

Error gone() { return {Remedy::look_first, Code::capture_log_purged, "the log no longer reaches back so far"}; }

}  // namespace

Status Changes::open(const std::optional<ports::LogPosition>& position) {
  open_ = false;
  OMRSYNC_TRY(tx, core_.store.read());
  OMRSYNC_TRY(commits, meta_number(*tx, kCommits));
  const std::uint64_t from = position ? position->offset : commits;
  if (from > commits || (position && position->file != position_of(0).file))
    return Error{Remedy::look_first, Code::capture_position_foreign,
                 "the log is not the one that this position belongs to"};
  OMRSYNC_TRY(next, tx->get(tables::kLog, number_key(from + 1)));
  if (from < commits && !next) return gone();
  read_ = from;
  open_ = true;
  return Done{};
}

Result<std::optional<ports::LogPiece>> Changes::next(std::chrono::milliseconds patience) {
  if (!open_) return Error{Remedy::reconnect, Code::db_connection_lost, "the log is not open"};
  const std::uint64_t seen = core_.rings();
  auto piece = take();
  if (piece && !*piece && patience.count() > 0) {
    core_.wait(seen, patience);
    piece = take();
  }
  if (!piece) open_ = false;
  return piece;
}

Result<std::optional<ports::LogPiece>> Changes::take() {
  OMRSYNC_TRY(tx, core_.store.read());
  OMRSYNC_TRY(bytes, tx->get(tables::kLog, number_key(read_ + 1)));
  if (!bytes) {
    OMRSYNC_TRY(commits, meta_number(*tx, kCommits));
    if (commits > read_) return gone();
    return std::optional<ports::LogPiece>();
  }
  OMRSYNC_TRY(commit, decode_commit(*bytes));
  ports::LogPiece piece;
  piece.position = position_of(++read_);
  piece.committed_at = std::chrono::milliseconds(commit.at_ms);
  piece.marker_key = std::move(commit.marker_key);
  piece.marker_payload = std::move(commit.marker_payload);
  piece.roots = std::move(commit.roots);
  return std::optional<ports::LogPiece>(std::move(piece));
}

}  // namespace omrsync::repository
