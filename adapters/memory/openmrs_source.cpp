#include "adapters/memory/openmrs_source.h"

#include <algorithm>

namespace omrsync::memory {
namespace {

Error foreign() {
  return {Remedy::look_first, Code::capture_position_foreign, "the log is not the one that this position belongs to"};
}

Error purged() { return {Remedy::look_first, Code::capture_log_purged, "the log no longer reaches back so far"}; }

}  // namespace

Error TwinSource::close(Error error) {
  open_ = false;
  ready_.clear();
  return error;
}

Status TwinSource::open(const std::optional<ports::LogPosition>& position) {
  OMRSYNC_CHECK(twin_.enter(TwinCall::open));
  const std::scoped_lock guard(twin_.mutex_);
  ready_.clear();
  if (!position) {
    next_ = twin_.state_.log.size();
    chain_ = twin_.state_.chain;
    read_through_ = twin_.end_position();
  } else if (auto found = seek(*position); !found) {
    return close(found.error());
  }
  open_ = true;
  return Done{};
}

Status TwinSource::seek(const ports::LogPosition& position) {
  const auto& log = twin_.state_.log;
  ports::LogPosition whole = position;
  whole.piece = 0;
  const auto after =
      std::find_if(log.begin(), log.end(), [&](const auto& commit) { return twin_position(*commit) > whole; });
  next_ = static_cast<std::size_t>(after - log.begin());
  chain_ = next_ == 0 ? 0 : log[next_ - 1]->chain;
  if (position.gtid != std::to_string(chain_)) return foreign();
  if (next_ < twin_.state_.purged && !twin_.tells_purge_late) return purged();
  read_through_ = whole;
  if (position.piece == 0) return Done{};
  if (after == log.end()) return foreign();
  for (ports::LogPiece& piece : pieces_of(**after)) {
    if (piece.position.piece != 0 && piece.position.piece <= position.piece) continue;
    ready_.push_back(std::move(piece));
  }
  chain_ = log[next_++]->chain;
  return Done{};
}

Result<std::optional<ports::LogPiece>> TwinSource::next(std::chrono::milliseconds) {
  if (auto entered = twin_.enter(TwinCall::next); !entered) return close(entered.error());
  if (!open_) return Error{Remedy::reconnect, Code::db_connection_lost, "the log is not open"};
  const std::scoped_lock guard(twin_.mutex_);
  const auto& log = twin_.state_.log;
  if (ready_.empty()) {
    if (next_ > log.size() || (next_ > 0 && log[next_ - 1]->chain != chain_)) return close(foreign());
    if (next_ == log.size()) {
      read_through_ = twin_.end_position();
      return std::optional<ports::LogPiece>{};
    }
    if (next_ < twin_.state_.purged) return close(purged());
    if (log[next_]->reloaded) return close(foreign());
    for (ports::LogPiece& piece : pieces_of(*log[next_])) ready_.push_back(std::move(piece));
    chain_ = log[next_++]->chain;
  }
  std::optional<ports::LogPiece> piece = std::move(ready_.front());
  ready_.pop_front();
  read_through_ = piece->position;
  return piece;
}

ports::RootChange TwinSource::change_of(const TwinCommit::Root& root) const {
  ports::RootChange change;
  change.root = root.root;
  change.local_id = (root.after ? root.after : root.before)->local_id;
  change.kind = !root.before  ? ports::RootChange::Kind::created
                : !root.after ? ports::RootChange::Kind::purged
                              : ports::RootChange::Kind::written;
  std::map<GroupName, ports::GroupChange> groups;
  if (root.before)
    for (const auto& [name, value] : root.before->groups) {
      groups[name].before = twin_.hash(value);
      groups[name].before_value = value;
    }
  if (root.after)
    for (const auto& [name, value] : root.after->groups) {
      groups[name].after = twin_.hash(value);
      if (root.before) groups[name].after_value = value;
    }
  for (auto& [name, each] : groups) {
    if (each.before == each.after) continue;
    each.group = name;
    change.groups.push_back(std::move(each));
  }
  return change;
}

std::vector<ports::LogPiece> TwinSource::pieces_of(const TwinCommit& commit) const {
  const std::size_t most = commit.marker_key.empty() ? std::max<std::size_t>(1, twin_.piece_roots) : SIZE_MAX;
  std::vector<ports::LogPiece> pieces;
  ports::LogPiece piece;
  const auto finish = [&](bool ends) {
    piece.committed_at = commit.committed_at;
    piece.author = commit.author;
    piece.ends_transaction = ends;
    if (ends) {
      piece.position = twin_position(commit);
      piece.marker_key = commit.marker_key;
      piece.marker_payload = commit.marker_payload;
      piece.unlogged_tables = commit.unlogged_tables;
    } else {
      piece.position = read_through_;
      piece.position.piece = static_cast<std::uint32_t>(pieces.size() + 1);
    }
    pieces.push_back(std::move(piece));
    piece = {};
  };
  for (const TwinCommit::Root& root : commit.roots) {
    if (piece.roots.size() == most) finish(false);
    piece.roots.push_back(change_of(root));
  }
  finish(true);
  return pieces;
}

}  // namespace omrsync::memory
