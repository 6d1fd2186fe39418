#include "node/admin/audit.h"

#include "node/admin/words.h"
#include "node/store/facts.h"
#include "protocol/digest.h"

namespace omrsync::admin {
namespace {

constexpr std::size_t kHashSize = 32;

Json record_json(const ports::Entry& entry) {
  Json json;
  json.set("schema", "omrsync/audit/1").set("number", node::tables::number_from(entry.key));
  if (entry.value.size() < kHashSize) return json.set("record", nullptr);
  json.set("hash", to_hex(entry.value.substr(0, kHashSize)));
  const auto record = parse_json(entry.value.substr(kHashSize), Code::audit_broken);
  if (!record || record->object() == nullptr) return json.set("record", nullptr);
  for (const auto& [key, value] : *record->object()) {
    if (key == "at_ms" && value.integer() != nullptr) json.set("at", time_text(*value.integer()));
    json.set(key, value);
  }
  return json;
}

}  // namespace

Result<AuditVerdict> verify_audit(ports::StoreTransaction& tx) {
  OMRSYNC_TRY(check, node::verify_audit(tx));
  return AuditVerdict{check.records, check.first_bad};
}

Json to_json(const AuditVerdict& verdict) {
  Json json;
  json.set("schema", "omrsync/audit/1").set("whole", !verdict.first_bad).set("records", verdict.records);
  return json.set("first_bad", verdict.first_bad ? Json(*verdict.first_bad) : Json());
}

Status list_audit(ports::StoreTransaction& tx, std::uint64_t from, std::size_t limit,
                  const std::function<void(const Json&)>& visit) {
  return tx.scan(node::tables::kAudit, node::tables::number_key(from), "", limit, [&](const ports::Entry& entry) {
    visit(record_json(entry));
    return true;
  });
}

Result<std::uint64_t> newest_audit(ports::StoreTransaction& tx) {
  OMRSYNC_TRY(newest, tx.last(node::tables::kAudit, "", ""));
  return newest ? node::tables::number_from(newest->first) : 0;
}

}  // namespace omrsync::admin
