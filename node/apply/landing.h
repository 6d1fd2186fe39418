#pragma once

#include "node/apply/plan.h"
#include "node/store/facts.h"
#include "node/world.h"

namespace omrsync::node {

/// Carries an apply plan out in the ledger, inside the store transaction that takes its place in the log: joined
/// states, the log for the children, offers to the parent, conflicts, outcomes, audit; the inbox items end (D7).
/// `piece` is our apply transaction as capture met it; null where the database needed no change.
Status land(ports::StoreTransaction& tx, const World& world, const ApplyPlan& plan, const ports::LogPiece* piece,
            const ports::LogPosition& position);

/// The plan's transaction was met in the log, or never was: sets and roots of it may be applied again.
void no_longer_flies(const ApplyPlan& plan, Shared& shared);

/// What the inbox holds under that key. `set_aside` when an entry cannot be read.
Result<RootStates> inbox_states(ports::StoreTransaction& tx, const World& world, const std::string& inbox_key);

/// Ends an inbox item: tells its sender the outcome, writes the audit record, removes it.
Status finish_item(ports::StoreTransaction& tx, const World& world, const std::string& inbox_key,
                   const Outcome& outcome);

/// Tells the child at the other end of `link` what became of a set; nothing where the set came from above.
Status tell_outcome(ports::StoreTransaction& tx, const std::string& link, Outcome outcome);

}  // namespace omrsync::node
