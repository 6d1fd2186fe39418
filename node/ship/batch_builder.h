#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/receive/grants.h"
#include "node/store/facts.h"
#include "node/world.h"
#include "protocol/envelope.h"
#include "protocol/messages.h"

namespace omrsync::node {

/// Makes the batches of one link (D23): sets that wait (up: the outbox; down: the log behind the child's cursor), then
/// chunks of the first load. Bodies are read in one consistent snapshot that capture has passed; what was frozen is
/// sent again as it is until it is acknowledged. Used by one thread at a time.
class BatchBuilder {
 public:
  BatchBuilder(const World& world, std::string link) : world_(world), link_(std::move(link)) {}

  /// The next batch of about `max_bytes`, durable before it is returned. Nothing: all is sent, or (`waits`) capture has
  /// not reached the snapshot yet: ask again soon.
  Result<std::optional<Batch>> next(std::size_t max_bytes);

  /// The same, of what is not frozen yet, whatever waits to be acknowledged: for a stick, which carries many batches.
  Result<std::optional<Batch>> build(std::size_t max_bytes);

  [[nodiscard]] bool waits() const noexcept { return waits_; }

 private:
  struct Source;  ///< a set that waits, and how its being frozen is remembered
  struct Building;

  [[nodiscard]] bool upward() const noexcept { return link_ == kParentLink; }
  Result<Grant> take_grant();
  Result<std::vector<Source>> waiting_sets(ports::StoreTransaction& tx, const LinkRecord& link, const Grant& grant);
  Result<bool> snapshot_ready();
  Result<bool> add_sets(Building& building, const std::vector<Source>& sources);
  Result<bool> add_slice(Building& building, const std::vector<Source>& sources, std::size_t from, std::size_t to);
  Status add_load(Building& building, const Grant& grant);
  void add_container(Building& building, Envelope envelope) const;
  Result<bool> add_page(Building& building, const std::string& table);
  Result<std::optional<Entry>> entry_for(Building& building, const RootKey& root, const std::optional<LedgerRow>& row,
                                         const ports::RootContent* content);
  Result<std::optional<Batch>> freeze(Building& building);

  const World& world_;
  std::string link_;
  TableClasses classes_{world_.openmrs};
  std::unique_ptr<ports::Snapshot> snapshot_;
  std::chrono::milliseconds snapshot_since_{0};
  bool waits_ = false;
};

/// The other side has everything up to `through` on disk: frozen batches go.
Status trim_frozen(ports::StoreTransaction& tx, std::string_view link, LinkRecord& record, std::uint64_t through);

}  // namespace omrsync::node
