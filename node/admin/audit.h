#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "adapters/ports/store.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// The chain of records of what happened at this node.
namespace omrsync::admin {

struct AuditVerdict {
  std::uint64_t records = 0;
  std::optional<std::uint64_t> first_bad;  ///< none: the chain is whole
};
Result<AuditVerdict> verify_audit(ports::StoreTransaction& tx);
[[nodiscard]] Json to_json(const AuditVerdict& verdict);

/// Hands out records from number `from` on, at most `limit`: number, hash and what happened.
Status list_audit(ports::StoreTransaction& tx, std::uint64_t from, std::size_t limit,
                  const std::function<void(const Json&)>& visit);

/// The number of the newest record; 0 when there is none.
Result<std::uint64_t> newest_audit(ports::StoreTransaction& tx);

}  // namespace omrsync::admin
