#pragma once

#include <string>

#include "adapters/stick/package.h"
#include "node/app/config.h"
#include "node/store/facts.h"

namespace omrsync::app {

/// The link by which a package came, once all of this holds, in this order: nothing was altered since it was signed
/// (usb_altered); it is for this node (usb_not_for_us); who signed is the node's parent, or a child that is not revoked
/// (usb_sender_refused). Volumes are not looked at.
[[nodiscard]] Result<std::string> link_of_package(const Config& config, ports::StoreTransaction& tx,
                                                  const node::Identity& identity, const stick::Package& package);

}  // namespace omrsync::app
