#pragma once

#include "node/world.h"

namespace omrsync::node {

/// Takes one piece of the database's log into the store: local writes get a dot and go into ledger, log and outbox; our own
/// apply transaction lands. Everything in `tx`, which the caller commits together with the position (D3).
Status take_piece(ports::StoreTransaction& tx, const World& world, const ports::LogPiece& piece);

/// Gives a change that no log showed a dot of its own (`unlogged`, D7b): same effects as a captured write.
Status take_unlogged(ports::StoreTransaction& tx, const World& world, const ports::RootChange& change,
                     const ports::LogPosition& position);

}  // namespace omrsync::node
