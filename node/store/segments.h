#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/ledger/state.h"
#include "node/store/tables.h"

/// The ledger of roots that nobody changed since a load met them (D22): packed pages instead of a row a root. What one
/// load step met of a table is a *run*: pages in the order of their keys. Few runs of like size are merged into a
/// larger one, a little at each addition, so that a root is found by looking into few runs, and writing them costs no
/// random places of the store. A root's own row in tables::kLedger, where there is one, wins over its place here.
namespace omrsync::node {

/// A root as a page holds it.
struct MetRoot {
  std::string key;      ///< tables::root_bytes behind the table and its NUL
  std::string shape;    ///< names of its groups; a uuid in a name stands apart
  std::string numbers;  ///< per group: that uuid, hash, load dot
};

/// What `met` (node/ledger/local.h) makes of the same, packed.
[[nodiscard]] MetRoot pack_met(const RootKey& root, const ports::RootContent& content, const LoadDots& dots);

/// One walk over a table by its local keys, which never meets a root twice: what it wrote is nothing that it can meet
/// ahead. 0: no walk.
using WalkId = std::uint64_t;
[[nodiscard]] WalkId walk_of(std::string_view name);

/// Adds what a walk met, in any order, and merges a little. A root that is in a segment already keeps its older place.
Status add_segment(ports::StoreTransaction& tx, const std::string& table, WalkId walk, std::vector<MetRoot> roots);

/// The row of a root as `met` made it. `ahead_of`: what this walk wrote need not be looked at.
Result<std::optional<LedgerRow>> segment_row(ports::StoreTransaction& tx, const RootKey& root, WalkId ahead_of = 0);

/// Merges about `roots` roots of tables that have more than one run; false: nothing is left to do.
Result<bool> tidy_segments(ports::StoreTransaction& tx, std::size_t roots);

/// Keys (tables::root_bytes) of at most `limit` roots of `table` that segments hold, behind `after`, in rising order.
Result<std::vector<std::string>> segment_roots(ports::StoreTransaction& tx, const std::string& table,
                                               std::string_view after, std::size_t limit);

/// Segments hold roots of `table`.
Result<bool> has_segments(ports::StoreTransaction& tx, const std::string& table);

}  // namespace omrsync::node
