#pragma once

#include "adapters/ports/clock.h"
#include "adapters/ports/exchange.h"
#include "adapters/ports/store.h"
#include "node/store/records.h"
#include "protocol/result.h"

namespace omrsync::node {

/// The child that asks, by its certificate alone (I-5); asked anew for each request. The first request with a renewed
/// certificate ends the older one. Refusals: node_unknown, certificate_revoked, certificate_replaced (an older one, or
/// one that was never given out), line_busy (paused).
Result<ChildRecord> admit(ports::Store& store, ports::Clock& clock, const ports::IncomingRequest& request);

}  // namespace omrsync::node
