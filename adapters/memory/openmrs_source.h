#pragma once

#include <deque>

#include "adapters/memory/openmrs_twin.h"

namespace omrsync::memory {

class TwinSource final : public ports::ChangeSource {
 public:
  explicit TwinSource(OpenmrsTwin& twin) : twin_(twin) {}

  Status open(const std::optional<ports::LogPosition>& position) override;
  Result<std::optional<ports::LogPiece>> next(std::chrono::milliseconds patience) override;
  ports::LogPosition read_through() override { return read_through_; }

 private:
  Status seek(const ports::LogPosition& position);
  Error close(Error error);
  std::vector<ports::LogPiece> pieces_of(const TwinCommit& commit) const;
  ports::RootChange change_of(const TwinCommit::Root& root) const;

  OpenmrsTwin& twin_;
  bool open_ = false;
  std::size_t next_ = 0;     ///< of the log's commits
  std::uint64_t chain_ = 0;  ///< of the log up to there
  std::deque<ports::LogPiece> ready_;
  ports::LogPosition read_through_;
};

}  // namespace omrsync::memory
