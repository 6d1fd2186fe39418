#pragma once

#include <memory>
#include <string>

#include "node/worker.h"
#include "node/world.h"

namespace omrsync::node {

/// Compares tables with the ledger where the log does not tell what happened (D16, D25), and on the root of the tree
/// makes the ledger acquainted with rows that were there before the node. One chunk a step, in a snapshot that capture
/// has passed; a table is begun anew after a restart.
class HealWorker final : public Worker {
 public:
  explicit HealWorker(const World& world) : world_(world) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "heal"; }
  Pace step(std::stop_token stop) override;

 private:
  struct Scan {
    std::string table;
    ports::LogPosition from;
    bool meeting = false;    ///< not a heal: rows are met for the first time
    bool rows_done = false;  ///< all rows were compared; what the ledger has beside them is next
    std::string after;
    std::string ledger_after;
    std::uint64_t absent = 0;
  };

  Result<bool> begin();
  Result<bool> snapshot_ready();
  Status compare_rows();
  Status compare_ledger();
  Status meet_rows();
  Status finish();
  bool tidy();
  Result<bool> may_delete(ports::StoreTransaction& tx, std::uint64_t absent);

  const World& world_;
  std::unique_ptr<Scan> scan_;
  std::unique_ptr<ports::Snapshot> snapshot_;
  std::chrono::milliseconds snapshot_since_{0};
};

}  // namespace omrsync::node
