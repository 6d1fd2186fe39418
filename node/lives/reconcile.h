#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/lives/first_contact.h"
#include "node/lives/life.h"
#include "node/world.h"

namespace omrsync::node {

/// Puts the ledger right after a new life began (D25), chunk by chunk; begun anew after a restart, what was done stays
/// done.
///
/// The database went back: all of it is compared with the ledger in one snapshot. What stands as the ledger has it is
/// untouched; a root that differs becomes a first contact; one that is absent is forgotten, to be fetched back, and
/// never purged. Capture goes on from the snapshot.
///
/// A clone: roots with numbers that the other copy may have given too become first contacts as the ledger has them. Log
/// and database are sound, and capture goes on where it stands.
class Reconciler {
 public:
  Reconciler(const World& world, NewLife life) : world_(world), life_(life) {}

  /// One chunk, in one store transaction. True: all is done.
  Result<bool> step();

 private:
  Status begin();
  Status compare_page();
  Status compare_ledger();
  Status number_anew();
  Status finish();
  Status compare(ports::StoreTransaction& tx, const RootKey& root, const LedgerRow& known,
                 const ports::RootContent* content);
  Status take(ports::StoreTransaction& tx, const RootKey& root, const LedgerRow& known, const Hashes& stands,
              const ports::LogPosition& position);
  Status offer(ports::StoreTransaction& tx);

  const World& world_;
  const NewLife life_;
  std::unique_ptr<ports::Snapshot> snapshot_;
  std::vector<ports::RootTable> tables_;
  std::size_t table_ = 0;         ///< whose rows are compared
  std::size_t ledger_table_ = 0;  ///< then: of which the ledger is compared
  bool numbered_ = false;
  std::string after_;
  std::vector<RootKey> changed_;  ///< of the present step
  std::uint64_t differ_ = 0;
  std::uint64_t absent_ = 0;
};

}  // namespace omrsync::node
