#pragma once

#include "node/store/facts.h"
#include "protocol/messages.h"

namespace omrsync::node {

/// Puts a batch into the inbox: every set of it, or nothing. `record.stored` moves; the caller writes `record` and
/// commits, and only then answers (D6). A batch that is here already changes nothing (P-4). Refusals: wire_gap (numbers
/// are missing before it), wire_digest_mismatch, incarnation_refused (the chain is another one), wire_malformed,
/// limit_exceeded.
Status take_batch(ports::StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                  const Batch& batch);

/// What the other side says became of our sets: those done with are forgotten, the others listed (queue ls).
Status take_receipt(ports::StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                    const Receipt& receipt);

}  // namespace omrsync::node
