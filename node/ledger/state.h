#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/openmrs.h"
#include "node/ledger/row.h"
#include "protocol/digest.h"
#include "protocol/envelope.h"
#include "protocol/state.h"

/// Between what the ledger remembers, what the database holds, and the whole state that joins and travels. Pure.
namespace omrsync::node {

/// The dot of a value that nobody changed since it was first seen (D26): a function of the content alone, equal at
/// every node of the network, keyed so that it tells nobody the content.
class LoadDots {
 public:
  explicit LoadDots(const std::array<std::uint8_t, 16>& network_key) : hash_(network_key) {}
  [[nodiscard]] std::uint64_t operator()(const RootKey& root, const GroupName& group, const GroupValue& value) const;

 private:
  KeyedHash hash_;
};

/// A group that stands in the database at some place of its log.
struct StandingGroup {
  GroupName name;
  std::uint64_t load_dot = 0;  ///< needed only where the root stands as loaded
  GroupValue value;            ///< may be unknown (empty) where only dots matter
};

/// The groups of `content`, with load dots where `row` needs them. `row` null: the root was not met yet.
[[nodiscard]] std::vector<StandingGroup> standing_groups(const RootKey& root, const LedgerRow* row,
                                                         const ports::RootContent& content, const LoadDots& dots);

/// The whole state: what the ledger says of the groups that it lists, and of the others that they stand as loaded or
/// under the base dot. `row` null: all as loaded.
[[nodiscard]] RootState materialise(const LedgerRow* row, const std::vector<StandingGroup>& standing);

/// Writes `state` into `row`, as short as it can be said. `standing` names for each group the dot whose value the
/// database holds; values of those siblings are not kept.
void remember(LedgerRow& row, const RootState& state, const std::map<GroupName, Dot>& standing);

/// What arrived, as a state with all values. `set_aside` when a resource cannot be read.
Result<RootState> state_of(const Entry& entry, const ports::BodyCodec& codec, const LoadDots& dots);

/// What `entry_of` makes of the state of a root that was not met yet; `content` has the group `life`, and is taken.
Result<Entry> entry_as_loaded(const RootKey& root, ports::RootContent content, const ports::BodyCodec& codec);

/// The other way: the state as it travels.
Result<Entry> entry_of(const RootKey& root, const RootState& state, const ports::BodyCodec& codec,
                       const LoadDots& dots);

}  // namespace omrsync::node
