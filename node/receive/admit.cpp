#include "node/receive/admit.h"

#include "node/store/facts.h"
#include "protocol/json.h"

namespace omrsync::node {
namespace {

Error refuse(Code code, const char* message) { return {Remedy::set_aside, code, message}; }

Result<ChildRecord> known_child(ports::StoreTransaction& tx, const ports::IncomingRequest& request) {
  OMRSYNC_TRY(record, get_record<ChildRecord>(tx, tables::kNodes, request.peer_node));
  if (!record || record->state == ChildRecord::State::invited)
    return refuse(Code::node_unknown, "this parent does not know the node of that certificate");
  if (record->state == ChildRecord::State::revoked)
    return refuse(Code::certificate_revoked, "the node's certificate was revoked");
  return std::move(*record);
}

/// The renewed certificate is used for the first time.
Result<ChildRecord> take_over(ports::Store& store, ports::Clock& clock, const ports::IncomingRequest& request) {
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_TRY(record, known_child(*tx, request));
  if (record.next_fingerprint != request.peer_fingerprint) return record;  // somebody was quicker
  record.fingerprint = std::exchange(record.next_fingerprint, {});
  OMRSYNC_CHECK(put_record(*tx, tables::kNodes, request.peer_node, record));
  Json audit;
  audit.set("act", "certificate.taken_over").set("at_ms", clock.utc().count()).set("node", request.peer_node);
  OMRSYNC_CHECK(append_audit(*tx, to_string(audit.set("fingerprint", record.fingerprint))));
  OMRSYNC_CHECK(tx->commit());
  return record;
}

}  // namespace

Result<ChildRecord> admit(ports::Store& store, ports::Clock& clock, const ports::IncomingRequest& request) {
  OMRSYNC_TRY(tx, store.read());
  OMRSYNC_TRY(record, known_child(*tx, request));
  tx.reset();
  if (record.state == ChildRecord::State::paused) return refuse(Code::line_busy, "the node is paused at its parent");
  if (!record.next_fingerprint.empty() && record.next_fingerprint == request.peer_fingerprint) {
    OMRSYNC_TRY(now, take_over(store, clock, request));
    record = std::move(now);
  }
  if (record.fingerprint != request.peer_fingerprint)
    return refuse(Code::certificate_replaced, "the node has a newer certificate than this one");
  return record;
}

}  // namespace omrsync::node
