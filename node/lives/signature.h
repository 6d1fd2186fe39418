#pragma once

#include <optional>

#include "node/lives/life.h"
#include "node/world.h"

namespace omrsync::node {

/// The node signs its database, and keeps what it signed: a copy of either that was put back brings an older signature
/// with it (D25). Nothing: they belong together. `open` is how opening the log at the stored position went: a store
/// that went back still finds its place in the log, a database and its log that went back do not.
Result<std::optional<LifeEnd>> compare_signatures(const World& world, const Status& open);

/// Whatever the database is signed with is taken as ours.
Status forget_signature(ports::StoreTransaction& tx);

/// Signs anew. At every connection and every hour in which something was written, so that copies made in between
/// differ.
Status sign_database(const World& world);

}  // namespace omrsync::node
