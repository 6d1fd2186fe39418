#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/ports/store.h"
#include "protocol/ids.h"
#include "protocol/json.h"
#include "protocol/result.h"
#include "protocol/state.h"

/// How the admin layer says ids, times and names.
namespace omrsync::admin {

/// "2026-05-18T06:30:00Z" or with milliseconds where there are any; null for 0 (never).
[[nodiscard]] Json time_or_null(std::int64_t utc_ms);
[[nodiscard]] std::string time_text(std::int64_t utc_ms);

/// FHIR type of a root table where it travels as a type of its own ("Patient"), else the table's name.
[[nodiscard]] std::string_view type_of(std::string_view table) noexcept;

/// "Patient/<uuid>".
[[nodiscard]] std::string resource_of(const RootKey& root);

/// Names of the nodes that this one knows, by uuid: itself, its children and its parent.
using NodeNames = std::map<Uuid, std::string>;
Result<NodeNames> node_names(ports::StoreTransaction& tx);

/// The name, or the uuid where there is none.
[[nodiscard]] std::string name_or_id(const NodeNames& names, const Uuid& node);

/// Of `ids` the one that `text` stands for: equal, or the only one that begins with it. Failures: `not_found`; `usage`
/// when several begin with it.
Result<std::string> one_by_prefix(const std::vector<std::string>& ids, std::string_view text, std::string_view what);

}  // namespace omrsync::admin
