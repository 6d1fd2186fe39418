#include "node/admin/enrolments.h"

#include <vector>

#include "node/admin/nodes.h"
#include "node/store/facts.h"
#include "protocol/json.h"

namespace omrsync::admin {
namespace {

using node::ChildRecord;
using node::EnrolRecord;
namespace tables = node::tables;

Error refuse(Code code, const char* message) { return {Remedy::set_aside, code, message}; }

Status audit(ports::StoreTransaction& tx, Json record, const ChildRecord& child, std::int64_t now_ms) {
  record.set("at_ms", now_ms).set("node", to_string(child.node)).set("name", child.name);
  return node::append_audit(tx, to_string(record));
}

Status put_code(ports::StoreTransaction& tx, const ChildRecord& child, std::string_view code_hash,
                std::int64_t now_ms) {
  OMRSYNC_CHECK(void_codes(tx, child.node));
  EnrolRecord record;
  record.node = child.node;
  record.name = child.name;
  record.expires_ms = now_ms + kCodeLife_ms;
  return node::put_record(tx, tables::kEnrolments, code_hash, record);
}

}  // namespace

Status void_codes(ports::StoreTransaction& tx, const Uuid& node) {
  std::vector<std::string> unused;
  OMRSYNC_CHECK(tx.scan(tables::kEnrolments, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    const auto record = node::decode_record<EnrolRecord>(entry.value);
    if (record && record->node == node && record->used_ms == 0) unused.emplace_back(entry.key);
    return true;
  }));
  for (const std::string& key : unused) OMRSYNC_CHECK(tx.erase(tables::kEnrolments, key, ports::after(key)));
  return Done{};
}

Status invite_child(ports::Store& store, ChildRecord child, std::string_view code_hash, std::int64_t now_ms) {
  child.state = ChildRecord::State::invited;
  OMRSYNC_TRY(tx, store.write());
  OMRSYNC_CHECK(put_child(*tx, child));
  OMRSYNC_CHECK(put_code(*tx, child, code_hash, now_ms));
  OMRSYNC_CHECK(audit(*tx, Json().set("act", "enrol.code_made").set("by", "operator"), child, now_ms));
  return tx->commit();
}

Result<ChildRecord> renew_code(ports::Store& store, const std::string& name, std::string_view code_hash,
                               std::int64_t now_ms, bool dry_run) {
  OMRSYNC_TRY(tx, dry_run ? store.read() : store.write());
  OMRSYNC_TRY(view, show_child(*tx, name));
  if (view.child.state == ChildRecord::State::revoked)
    return Error{Remedy::stop_node, Code::usage,
                 "The node " + view.child.name + " was revoked, for good; 'omrsync node add' makes another one."};
  if (dry_run) return view.child;
  OMRSYNC_CHECK(put_code(*tx, view.child, code_hash, now_ms));
  OMRSYNC_CHECK(audit(*tx, Json().set("act", "enrol.code_made").set("by", "operator"), view.child, now_ms));
  OMRSYNC_CHECK(tx->commit());
  return view.child;
}

Result<Enrolling> look_at_code(ports::StoreTransaction& tx, std::string_view code_hash, std::string_view name,
                               std::string_view key, std::int64_t now_ms) {
  OMRSYNC_TRY(record, node::get_record<EnrolRecord>(tx, tables::kEnrolments, code_hash));
  if (!record) return refuse(Code::enrol_code_unknown, "this parent gave out no such code");
  if (record->name != name) return refuse(Code::enrol_name_mismatch, "the code is for a node of another name");
  const bool repeated = record->used_ms != 0 && record->key == key;
  if (record->used_ms != 0 && !repeated) return refuse(Code::enrol_code_used, "the code was used before");
  if (now_ms >= record->expires_ms) return refuse(Code::enrol_code_expired, "the code has expired");
  OMRSYNC_TRY(child, node::get_record<ChildRecord>(tx, tables::kNodes, to_string(record->node)));
  if (!child) return refuse(Code::node_unknown, "this parent does not know the node of that code");
  if (child->state == ChildRecord::State::revoked)
    return refuse(Code::certificate_revoked, "the node of that code was revoked");
  return Enrolling{std::move(*child), std::move(*record), repeated};
}

Status settle_certificate(ports::StoreTransaction& tx, ChildRecord& child, const GivenCertificate& certificate,
                          std::string_view by, std::string_view address, std::int64_t now_ms) {
  child.fingerprint = certificate.fingerprint;
  child.next_fingerprint.clear();
  child.certificate_expires_ms = certificate.expires_ms;
  if (child.state == ChildRecord::State::invited) child.state = ChildRecord::State::active;
  OMRSYNC_CHECK(node::put_record(tx, tables::kNodes, to_string(child.node), child));
  Json record;
  record.set("act", "node.enrolled").set("by", by).set("fingerprint", certificate.fingerprint);
  if (!address.empty()) record.set("address", address);
  return audit(tx, std::move(record), child, now_ms);
}

}  // namespace omrsync::admin
