#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/fhir/facts.h"
#include "protocol/state.h"

namespace omrsync::openmrs::fhir {

/// A group of a root under the reserved name: content that this node does not understand and only keeps (F-5).
inline constexpr std::string_view kResidueGroup = "fhir";

/// One column to be written. `done`: an element, or another extension, has it already.
struct SourceCell {
  std::string_view column;
  std::string_view text;
  const ColumnFact* fact = nullptr;  ///< null: the schema lacks it
  std::uint16_t group = 0;           ///< index among the groups of its row
  bool is_default = false;           ///< its group is the column's default group
  bool done = false;

  [[nodiscard]] Form form() const noexcept { return fact != nullptr ? fact->form : Form::text; }
  [[nodiscard]] std::string_view target() const noexcept {
    return fact != nullptr ? std::string_view(fact->target) : std::string_view();
  }
};

struct SourceGroup {
  std::string_view name;  ///< within the row; meaningless where `is_main`
  bool is_main = false;   ///< of an owned row: named by table and key alone
  bool told = false;      ///< something written says that the group is there
};

/// "person_name/<key>#life" taken apart; also "patient#life", where the owner has one row of that table at most.
struct NameParts {
  bool owned = false;
  std::string_view row;  ///< everything before the group's own name
  std::string_view table;
  std::string_view key;
  bool has_key = false;
  std::string_view group;
  bool is_main = false;
};

[[nodiscard]] NameParts take_apart(std::string_view root_table, std::string_view name, const Facts& facts) noexcept;

/// One row, and where its cells and groups lie in the Source.
struct SourceRow {
  std::string_view table;
  std::string_view key;
  bool has_key = false;  ///< an owned row without one: its owner has no other of that table
  const TableFacts* facts = nullptr;
  std::size_t first_cell = 0, end_cell = 0;
  std::size_t first_group = 0, end_group = 0;
};

/// A root's groups, taken apart into rows. Views into the groups given, which must outlive it.
class Source {
 public:
  Source(const RootKey& root, const std::map<GroupName, GroupValue>& groups, const Facts& facts);

  std::vector<SourceRow> rows;  ///< the root row first, even if it has no group
  std::vector<SourceCell> cells;
  std::vector<SourceGroup> groups;
  std::vector<const std::pair<const GroupName, GroupValue>*> opaque;  ///< values that are no canonical cells
  std::string_view residue;
  bool has_residue = false;

  /// The cell of that column, in its default group and not yet done; null when there is none, or another group has the
  /// column too.
  [[nodiscard]] SourceCell* take(const SourceRow& row, std::string_view column) noexcept;
  /// The cell of that column in whatever group.
  [[nodiscard]] const SourceCell* find(const SourceRow& row, std::string_view column) const noexcept;

  /// Says that something written tells the cell.
  void tell(const SourceRow& row, SourceCell& cell) noexcept {
    cell.done = true;
    groups[row.first_group + cell.group].told = true;
  }

 private:
  void add_row(const NameParts& parts, const TableFacts& facts);
  bool add_group(SourceGroup group, std::string_view value);
};

}  // namespace omrsync::openmrs::fhir
