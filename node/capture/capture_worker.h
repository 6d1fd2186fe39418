#pragma once

#include <memory>
#include <optional>

#include "node/worker.h"
#include "node/world.h"

namespace omrsync::node {

/// Reads the database's log and is the ledger's one writer for what the log shows. One step is one store transaction: up
/// to a thousand pieces or 200 ms of them while catching up.
class CaptureWorker final : public Worker {
 public:
  CaptureWorker(const World& world, std::unique_ptr<ports::ChangeSource> source)
      : world_(world), source_(std::move(source)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "capture"; }
  Pace step(std::stop_token stop) override;

 private:
  Status open();
  Status pass_gap();
  Result<bool> take_some(std::stop_token stop);
  void report(const Error& error);

  const World& world_;
  std::unique_ptr<ports::ChangeSource> source_;
  bool open_ = false;
  std::optional<ports::LogPiece> waiting_;  ///< read, not yet stored
  std::chrono::milliseconds backoff_{100};
};

}  // namespace omrsync::node
