#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/lives/life.h"
#include "node/world.h"

namespace omrsync::node {

/// Compares the whole database with the ledger after a new life began, in one snapshot (D25): what stands as the ledger has
/// it is untouched; a root that differs becomes a first contact; one that is absent is forgotten, to be fetched back, and
/// never purged. Capture goes on from the snapshot. Begun anew after a restart: what was done stays done.
class Reconciler {
 public:
  Reconciler(const World& world, NewLife life) : world_(world), life_(life) {}

  /// One chunk, in one store transaction. True: all is done, and capture has its new position.
  Result<bool> step();

 private:
  Status begin();
  Status compare_page();
  Status compare_ledger();
  Status finish();
  Status take(ports::StoreTransaction& tx, const RootKey& root, const LedgerRow& known,
              const ports::RootContent* content);
  Status offer(ports::StoreTransaction& tx);

  const World& world_;
  const NewLife life_;
  std::unique_ptr<ports::Snapshot> snapshot_;
  std::vector<ports::RootTable> tables_;
  std::size_t table_ = 0;
  std::string after_;
  std::string ledger_after_;
  std::vector<RootKey> changed_;  ///< of the present step
  std::uint64_t differ_ = 0;
  std::uint64_t absent_ = 0;
};

}  // namespace omrsync::node
