#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/ports/store.h"
#include "node/store/records.h"
#include "protocol/result.h"

/// One-time codes: given out, used once, refused after that. Each function is one store transaction, or a part of one.
namespace omrsync::admin {

/// How long a code is good for.
inline constexpr std::int64_t kCodeLife_ms = std::int64_t{72} * 60 * 60 * 1000;

/// Adds a child that has no certificate yet (state `invited`) together with its code. `usage` as check_new_child.
Status invite_child(ports::Store& store, node::ChildRecord child, std::string_view code_hash, std::int64_t now_ms);

/// A new code for a node that is there, as for a machine that was set up anew; older codes that were not used are void.
/// Its certificate stays good until the code is used. `not_found`; `usage` when it was revoked.
Result<node::ChildRecord> renew_code(ports::Store& store, const std::string& name, std::string_view code_hash,
                                     std::int64_t now_ms, bool dry_run);

/// Whom a code is for. `repeated`: it was used, by the same key, and the answer was perhaps lost.
struct Enrolling {
  node::ChildRecord child;
  node::EnrolRecord record;
  bool repeated = false;
};

/// What a code opens to whoever has `name` and `key`. Refusals: enrol_code_unknown, enrol_name_mismatch,
/// enrol_code_used, enrol_code_expired, certificate_revoked. Changes nothing.
Result<Enrolling> look_at_code(ports::StoreTransaction& tx, std::string_view code_hash, std::string_view name,
                               std::string_view key, std::int64_t now_ms);

/// A certificate as it was given out.
struct GivenCertificate {
  std::string pem;
  std::string fingerprint;
  std::int64_t expires_ms = 0;
};

/// From now on that certificate is the child's and no other; `by`: "code", "file". With an audit record.
Status settle_certificate(ports::StoreTransaction& tx, node::ChildRecord& child, const GivenCertificate& certificate,
                          std::string_view by, std::string_view address, std::int64_t now_ms);

/// Codes that were not used are void; nothing says so to whoever tries one, but that it is unknown.
Status void_codes(ports::StoreTransaction& tx, const Uuid& node);

}  // namespace omrsync::admin
