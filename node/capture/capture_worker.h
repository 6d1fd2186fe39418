#pragma once

#include <memory>
#include <optional>

#include "node/lives/reconcile.h"
#include "node/worker.h"
#include "node/world.h"

namespace omrsync::node {

/// Reads the database's log and is the ledger's one writer for what the log shows. One step is one store transaction:
/// up to a thousand pieces or 200 ms of them while catching up. In a new life (D25) it first waits until nobody fills
/// the tables any more and compares them with the ledger; nothing is applied or sent meanwhile, for capture has not
/// come by.
class CaptureWorker final : public Worker {
 public:
  CaptureWorker(const World& world, std::unique_ptr<ports::ChangeSource> source)
      : world_(world), source_(std::move(source)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "capture"; }
  Pace step(std::stop_token stop) override;

 private:
  Result<bool> do_some(std::stop_token stop);
  Status open();
  Status pass_gap();
  Result<bool> take_some(std::stop_token stop);
  Result<bool> begin_reconciling(const NewLife& life);
  Result<bool> is_quiet(const NewLife& life);
  Status sign_now_and_then();
  Status forget_markers();
  Pace failed(const Error& error);
  void report(const Error& error);

  const World& world_;
  std::unique_ptr<ports::ChangeSource> source_;
  std::unique_ptr<Reconciler> reconciler_;
  bool open_ = false;
  std::optional<ports::LogPiece> waiting_;  ///< read, not yet stored
  std::chrono::milliseconds backoff_{100};
  std::optional<Code> told_;                              ///< of the failure that was logged, until something succeeds
  std::optional<std::chrono::milliseconds> quiet_since_;  ///< of a log that was being filled
  std::chrono::milliseconds signed_at_{0};
  bool caught_up_ = false;   ///< with transactions of others: more will come
  bool wrote_ = false;       ///< pieces were stored since the last signature
  std::size_t markers_ = 0;  ///< passed since old ones were removed
};

}  // namespace omrsync::node
