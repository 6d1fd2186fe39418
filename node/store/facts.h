#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "node/ledger/row.h"
#include "node/store/records.h"
#include "node/store/segments.h"

/// Small typed ways into the store, for use inside one transaction.
namespace omrsync::node {

inline constexpr const char* kParentLink = "parent";
/// Not a link: sets that came in a life of a link that is over, or that were frozen when the database went back (D28).
/// They are joined like a child's, by nobody's choice of what is shown, and nobody is told of their outcome.
inline constexpr const char* kPastLink = "past";

/// Takes the next number of a counter (from 1).
Result<std::uint64_t> take_number(ports::StoreTransaction& tx, std::string_view counter);

Result<std::optional<Identity>> identity(ports::StoreTransaction& tx);
Status put_identity(ports::StoreTransaction& tx, const Identity& identity);

Result<std::optional<CaptureRecord>> capture_record(ports::StoreTransaction& tx);

/// What the ledger has of a root: its own row, else its place in a segment. `ahead_of`: what that walk wrote is known
/// not to hold it.
Result<std::optional<LedgerRow>> ledger_row(ports::StoreTransaction& tx, const RootKey& root, WalkId ahead_of = 0);
Status put_ledger_row(ports::StoreTransaction& tx, const RootKey& root, const LedgerRow& row);

/// From now on the root was never met.
Status forget_ledger_row(ports::StoreTransaction& tx, const RootKey& root);

/// Some root of `table` has a row of its own.
Result<bool> has_own_rows(ports::StoreTransaction& tx, const std::string& table);

/// About `limit` roots of `table` that the ledger has (none: it has no more), behind `after` (tables::root_bytes;
/// empty: from the start), in the order of their bytes.
Result<std::vector<RootKey>> ledger_roots(ports::StoreTransaction& tx, const std::string& table, std::string_view after,
                                          std::size_t limit);

/// The link's record; a fresh one when it was never used.
Result<LinkRecord> link_record(ports::StoreTransaction& tx, std::string_view link);
Status put_link(ports::StoreTransaction& tx, std::string_view link, const LinkRecord& record);

/// What is known of the other end beside the line; a fresh one when nothing is.
Result<StickRecord> stick_record(ports::StoreTransaction& tx, std::string_view link);
Status put_stick(ports::StoreTransaction& tx, std::string_view link, const StickRecord& record);

/// The other end said which key is for packages to it.
Status note_recipient(ports::StoreTransaction& tx, std::string_view link, const std::string& recipient);

/// The link number of a set from above as a root's ledger row compares it (rule 6.3): numbers of a later life of the
/// link are higher. 0 for anything that did not come from above in the link's present life.
Result<std::uint64_t> shown_rank(ports::StoreTransaction& tx, std::string_view link, std::uint64_t number);

/// "<link>", NUL, number, part: orders what came over one link.
[[nodiscard]] std::string link_key(std::string_view link, std::uint64_t number, std::uint32_t part = 0);
struct LinkPlace {
  std::string link;
  std::uint64_t number = 0;
  std::uint32_t part = 0;
};
[[nodiscard]] LinkPlace link_place(std::string_view key);

/// Appends a record to the audit chain: hash = SHA-256(hash before || record). `record` is a JSON object without
/// patient data.
Status append_audit(ports::StoreTransaction& tx, std::string_view record);

struct AuditCheck {
  std::uint64_t records = 0;
  std::optional<std::uint64_t> first_bad;
};
Result<AuditCheck> verify_audit(ports::StoreTransaction& tx);

/// The item at `inbox_key` waits for nothing any more, and brings nothing to others that wait.
Status leave_places(ports::StoreTransaction& tx, const InboxItem& item, const std::string& inbox_key);

/// How many entries a range has.
Result<std::uint64_t> count_range(ports::StoreTransaction& tx, ports::TableName table, std::string_view from,
                                  std::string_view to);

}  // namespace omrsync::node
