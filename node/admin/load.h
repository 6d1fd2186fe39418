#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// First loads over links, and comparisons of tables with the ledger.
namespace omrsync::admin {

/// `omrsync/load/1`: one a link that loads ("parent", or a child), one a table that waits to be compared, one for the
/// whole database while it is compared because a new life began (D25).
struct LoadView {
  std::string link;        ///< empty: a comparison
  bool reconcile = false;  ///< of the whole database; else, without a link, of one table
  std::string table;       ///< where a load stands (empty: not begun, or done); the table of a comparison
  std::uint64_t rows = 0;
  std::uint64_t of = 0;
  bool done = false;
  std::optional<std::uint64_t> asks_deletes;  ///< so many rows are gone that somebody must say yes first
};

/// "load", "compare" or "reconcile".
[[nodiscard]] const char* kind_of(const LoadView& view) noexcept;

Result<std::vector<LoadView>> load_status(ports::StoreTransaction& tx);
[[nodiscard]] Json to_json(const LoadView& view);

/// Has `table` compared with the ledger again, row by row. `not_found` when this node never met the table.
Status restart_load(ports::Store& store, const std::string& table, std::int64_t now_ms, bool dry_run);

/// Yes: the rows of `table` that are gone were deleted on purpose. `not_found` when nobody asked.
Status accept_deletes(ports::Store& store, const std::string& table, std::int64_t now_ms, bool dry_run);

}  // namespace omrsync::admin
