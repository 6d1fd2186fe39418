#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/ports/openmrs.h"
#include "protocol/result.h"
#include "protocol/state.h"

namespace omrsync::node {

/// A group that somebody wrote since the first load. Values are kept only of siblings that the database does not hold.
struct LedgerGroup {
  Group group;                  ///< the standing sibling has an empty value here
  std::optional<Dot> standing;  ///< the sibling that the database holds (a deleted row "holds" its deletion)
};

/// The dot under which a whole root was written at once.
struct BaseDot {
  Dot dot;
  std::string author;
  Stamp stamp;
};

/// A value that stood in a group once, by its local hash (D7c): a clinician may still write it back from a stale copy.
/// In the order in which they were replaced.
struct Replaced {
  GroupName group;
  std::uint64_t hash = 0;  ///< 0: nothing stood there
  std::int64_t at_ms = 0;  ///< when it was replaced, by the database's log
  bool ours = true;        ///< an apply of ours replaced it, not somebody here
};

/// What the node knows of a root beside what the database holds (D22). A root without a row was not met yet: it stands
/// as loaded.
struct LedgerRow {
  bool loaded = false;          ///< groups not listed stand under load dots of their present value (D26)
  bool partial = false;         ///< `hashes` lacks groups that were not seen yet; the next read fills them in
  bool as_above = false;        ///< exactly what the parent sent: nothing to offer it in a first load
  bool as_database = true;      ///< every shown dot is the standing one; false: a repair is due
  std::optional<BaseDot> base;  ///< other groups not listed stand under it
  Context context;              ///< without the load dots of groups that stand as loaded
  std::map<GroupName, LedgerGroup> groups;
  std::map<GroupName, std::uint64_t> hashes;     ///< of every group that the database holds, as last seen in the log
  std::map<GroupName, std::uint64_t> load_dots;  ///< of groups that stand as loaded: what a later change has seen
  std::map<GroupName, GroupValue> residue;       ///< columns of the shown value that the local schema lacks (cells)
  std::vector<Replaced> replaced;
  std::string changed_file;  ///< log position of the last change of this row
  std::uint64_t changed_offset = 0;
  std::uint32_t changed_piece = 0;
  std::uint64_t shown_number = 0;  ///< highest shown_rank from above whose `shown` was taken (rule 6.3)

  [[nodiscard]] ports::LogPosition changed_at() const { return {changed_file, changed_offset, {}, changed_piece}; }
  void set_changed_at(const ports::LogPosition& position) {
    changed_file = position.file;
    changed_offset = position.offset;
    changed_piece = position.piece;
  }
};

[[nodiscard]] std::string encode(const LedgerRow& row);

/// `stop_node`, store_damaged when the bytes are no ledger row.
[[nodiscard]] Result<LedgerRow> decode_ledger_row(std::string_view bytes);

}  // namespace omrsync::node
