#pragma once

#include "node/apply/plan.h"
#include "node/world.h"

namespace omrsync::node {

/// Takes one piece of the database's log into the store: local writes get a dot and go into ledger, log and outbox; our
/// own apply transaction lands. Everything in `tx`, which the caller commits together with the position (D3). Returns
/// the plan of the piece's marker, if it has one: it is in flight no longer once `tx` is committed.
Result<std::optional<ApplyPlan>> take_piece(ports::StoreTransaction& tx, const World& world,
                                            const ports::LogPiece& piece);

/// Gives changes that no log showed a dot of their own (`unlogged`, D7b): same effects as a captured write.
Status take_unlogged(ports::StoreTransaction& tx, const World& world, std::vector<ports::RootChange> changes,
                     const ports::LogPosition& position);

/// Every root table is to be compared with the ledger from `position` on: its log is not whole.
Status mark_all_unlogged(ports::StoreTransaction& tx, const World& world, const ports::LogPosition& position);

}  // namespace omrsync::node
