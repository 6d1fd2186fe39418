#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/plans.h"
#include "protocol/digest.h"
#include "protocol/state.h"

/// Rows into groups and back. Pure: whatever needs the database is asked of a KeyBook, which callers fill in bulk first
/// (`wanted_keys`, `wanted_locals`). All cells are in canonical text, in the table's column order; no value is SQL
/// NULL.
namespace omrsync::openmrs {

using Cells = std::span<const std::optional<std::string>>;

/// What is known of other rows' keys. Local keys are the target's primary key as text (a role's name, a user's number);
/// wire keys are what the row is called on every node. Nothing: not known, or not there.
class KeyBook {
 public:
  virtual ~KeyBook() = default;
  [[nodiscard]] virtual std::optional<std::string_view> key_of(const TablePlan& target,
                                                               std::string_view local) const = 0;
  [[nodiscard]] virtual std::optional<std::string_view> local_of(const TablePlan& target,
                                                                 std::string_view key) const = 0;
  /// A column's text of the row of `type_table` with that local key (person_attribute_type.format).
  [[nodiscard]] virtual std::optional<std::string_view> text_of(const TablePlan& type_table, std::string_view local,
                                                                std::string_view column) const = 0;
};

/// A row that another row names: `text` is its local key in wanted_keys, its wire key in wanted_locals.
struct Wanted {
  const TablePlan* target = nullptr;
  std::string text;
  auto operator<=>(const Wanted&) const = default;
};

/// The rows that `cells` refers to and `book` does not know, appended: what `wire_value` and `key_of_row` will ask for.
void wanted_keys(const Plans& plans, const TablePlan& plan, Cells cells, const KeyBook& book, std::vector<Wanted>& out);

/// The row never travels, by a RowRule.
[[nodiscard]] bool stays_home(const TablePlan& plan, Cells cells);

/// Parts of a natural key joined by '|'; '|', '#' and '\' within a part have a '\' before them.
[[nodiscard]] std::string join_key(std::span<const std::string> parts);
[[nodiscard]] std::vector<std::string> split_key(std::string_view key);

/// The wire key of a root's row, or of an owned row within its root ("" where the owner alone tells it). A natural key
/// with a NULL in it, which is not unique, ends in the row's uuid as one part more, where there is one. Nothing: the
/// uuid is null, empty or not ASCII, or a foreign key of a natural key has no known target.
[[nodiscard]] std::optional<std::string> key_of_row(const TablePlan& plan, Cells cells, const KeyBook& book);

/// The key by which other tables refer to this row, where it can be told from the row alone (by uuid, or natural text).
[[nodiscard]] std::optional<std::string> reference_key(const TablePlan& plan, Cells cells);

/// The row's primary key as text; nothing where the table has no single-column key.
[[nodiscard]] std::optional<std::string_view> local_key(const TablePlan& plan, Cells cells);

/// The name of an owned row's group, or of a root's: "life", "person_name/<key>#life", "patient".
[[nodiscard]] GroupName group_name(const TablePlan& plan, std::string_view row_key, const GroupPlan& group);

struct GroupAddress {
  const TablePlan* plan = nullptr;
  const GroupPlan* group = nullptr;  ///< null: this schema has no such group, though it has the table
  std::string_view row_key;          ///< of an owned row; into the name that was parsed
};

/// Where a group of `root` lives. Nothing: it is of a table that this schema does not have, or that does not travel.
[[nodiscard]] std::optional<GroupAddress> find_group(const Plans& plans, const TablePlan& root, std::string_view name);

/// The group's value on the wire. `key`: the row's wire key (see key_of_row). A reference whose target is not known
/// becomes "?" and the local key.
[[nodiscard]] GroupValue wire_value(const Plans& plans, const TablePlan& plan, const GroupPlan& group, Cells cells,
                                    std::string_view key, const KeyBook& book);

/// The keyed hash of the group in local terms: over column names and texts as they stand (D22).
[[nodiscard]] std::uint64_t local_hash(const GroupPlan& group, Cells cells, const KeyedHash& hash);

/// The text of a column that spells the key, where the wire does not say it: it is as the key has it. Nothing: NULL.
[[nodiscard]] std::optional<std::string> spelled_by_key(const TablePlan& plan, const ColumnPlan& column,
                                                        std::string_view key);

/// What one cell on the wire says about a column here.
struct LocalCell {
  const ColumnPlan* column = nullptr;
  std::string_view text;  ///< what to store, if `target` is null; else the target's wire key
  const TablePlan* target = nullptr;
  bool unknown_target = false;  ///< the sender did not know the target either; `text` is its number there
};

struct ReadGroup {
  std::vector<LocalCell> cells;  ///< columns not listed are NULL
  std::string residue;           ///< cells (protocol/cells.h) of columns that this schema does not have
};

/// A value from the wire in terms of this schema. Nothing: the bytes are no cells. The result points into `value`.
[[nodiscard]] std::optional<ReadGroup> read_group(const Plans& plans, const GroupPlan& group, std::string_view value);

}  // namespace omrsync::openmrs
