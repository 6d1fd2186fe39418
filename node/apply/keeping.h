#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/apply/plan.h"
#include "node/store/facts.h"
#include "node/world.h"

/// Rows that were purged elsewhere and stay here, because other rows refer to them (D30): what the ledger says of them,
/// and the `dangling-parent` conflict that lists who refers.
namespace omrsync::node {

inline constexpr const char* kDanglingParent = "dangling-parent";  ///< ConflictRecord::kind

/// Makes of `joined`, in which the root is purged, the state of a root that stays: an ordinary write `by` somebody who
/// had seen the tombstones and what stood here. Siblings of other groups that the purge had not seen stay. Returns
/// which sibling the database holds, per group; a group without one is to be repaired. Pure.
std::map<GroupName, Dot> keep_state(RootState& joined, const std::optional<LedgerRow>& row, const RootState& before,
                                    const std::map<GroupName, std::uint64_t>& holds, const Sibling& by);

/// The lowest tombstone of a root; none: it is not purged.
[[nodiscard]] std::optional<Dot> tombstone_of(const RootState& state);
[[nodiscard]] std::optional<Dot> tombstone_of(const LedgerRow& row);

/// Opens the conflict of a root that stays against `tombstone`, or brings the list of one that is open up to date.
/// Returns its id.
Result<std::string> open_dangling(ports::StoreTransaction& tx, const World& world, const RootKey& root,
                                  const Dot& tombstone, const std::vector<RootKey>& referrers);

/// Brings its list up to date, if it is open.
Status list_referrers(ports::StoreTransaction& tx, const RootKey& root, const std::vector<RootKey>& referrers);

/// Closes it, if it is open: the root is purged for good, or somebody wrote its life anew.
Status close_dangling(ports::StoreTransaction& tx, const World& world, const RootKey& root, std::string_view by);

/// Open conflicts of this kind, in key order from behind `after`, at most `most`.
Result<std::vector<ConflictRecord>> dangling_after(ports::StoreTransaction& tx, const std::string& after,
                                                   std::size_t most);

/// A set from `link` waits for a root that was purged here: the tombstone is offered to that side again, so that both
/// meet. Whoever still has the root keeps it, because the set refers to it, and says so (R30).
Status offer_again(ports::StoreTransaction& tx, const World& world, std::string_view link, const RootKey& root,
                   const LedgerRow& row);

}  // namespace omrsync::node
