#pragma once

#include <string>

#include "node/store/facts.h"
#include "node/world.h"

/// Two patients' identifiers of one type and text. Both rows stay; people find out whose it is, or that both are one
/// patient, in OpenMRS. Whichever node holds both lists the conflict `identifier-collision` under the same id.
namespace omrsync::node {

/// `group` of `root` is the row that came, `other` the one that is there. On repetition nothing changes. Returns the
/// id.
Result<std::string> open_collision(ports::StoreTransaction& tx, const World& world, const RootKey& root,
                                   const GroupName& group, const RootKey& other);

/// Closes what `change` ends: an identifier has another text or type now, is voided, or is gone.
Status close_collisions(ports::StoreTransaction& tx, const World& world, const ports::RootChange& change);

}  // namespace omrsync::node
