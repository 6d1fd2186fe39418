#pragma once

#include "adapters/repository/core.h"

namespace omrsync::repository {

/// The log of commits, one after the other.
class Changes final : public ports::ChangeSource {
 public:
  explicit Changes(Core& core) : core_(core) {}

  Status open(const std::optional<ports::LogPosition>& position) override;
  Result<std::optional<ports::LogPiece>> next(std::chrono::milliseconds patience) override;
  ports::LogPosition read_through() override { return position_of(read_); }

 private:
  Result<std::optional<ports::LogPiece>> take();

  Core& core_;
  std::uint64_t read_ = 0;  ///< commits
  bool open_ = false;
};

}  // namespace omrsync::repository
