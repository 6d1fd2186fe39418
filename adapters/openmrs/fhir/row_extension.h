#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/fhir/json_tape.h"
#include "adapters/openmrs/fhir/source.h"
#include "adapters/openmrs/fhir/typed_value.h"

/// Rows, and what elements leave of them, as extensions under NODE.
///
/// NODE/row: `table`, for an owned row its key as `uuid` or `key`, then the columns, named as in the database. First
/// those in their default group; then for each other group a child `group` with its name, and its columns after it. A
/// child `group` that no column follows says that the group is there. The root row's key is the resource's; a `uuid` in
/// it says nothing new.
/// NODE/audit: the row's columns that tell who and when, in their default groups.
/// NODE/<table>/<column>: a column in its default group. NODE/groups: groups without content.
/// NODE/group: a group that is no row of columns: `name`, `bytes`.
namespace omrsync::openmrs::fhir {

/// Opens the member `extension` when the first one comes.
class ExtensionsOut {
 public:
  explicit ExtensionsOut(JsonOut& json) : json_(json) {}
  JsonOut& begin() {
    if (!open_) {
      json_.key("extension");
      json_.open_array();
      open_ = true;
    }
    return json_;
  }
  void end() {
    if (open_) json_.close_array();
    open_ = false;
  }

 private:
  JsonOut& json_;
  bool open_ = false;
};

/// NODE/row with whatever of the row nothing has told yet; nothing when all is told.
void write_untold(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone);
/// NODE/audit, or under another name, with the columns that tell who and when.
void write_audit(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone,
                 std::string_view name = "/audit");
/// NODE/<table>/<column> for each cell in its default group; NODE/exact/<column> for those among the words of `exact`.
void write_columns(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone,
                   std::string_view exact = {});
/// NODE/groups: names of groups that are there and have no cell; with `prefix` in front of each.
void write_groups(ExtensionsOut& out, Source& source, const SourceRow& row, std::string_view prefix = {});
/// An owned row that needs no NODE/row: each cell in its default group, and no groups but the usual.
[[nodiscard]] bool is_regular(const Source& source, const SourceRow& row);
void write_opaque(ExtensionsOut& out, const Source& source);

/// The cells of one row as they are read.
class RowReader {
 public:
  RowReader(const TableFacts& facts, bool is_root) : facts_(&facts), is_root_(is_root) {
    groups_.reserve(4);
    cells_.reserve(16);
  }

  /// A cell of the group entered last, else of its default group.
  void add(std::string_view column, std::string_view text);
  /// From now on cells belong to that group ("": an owned row's main one), which is there even if none follows.
  void enter(std::string_view group);
  /// What an element says of a column, in its default group: it stands unless an extension says the column itself.
  void add_element(std::string_view column, std::string_view text);

  /// Ends what `enter` began.
  void leave() { entered_.reset(); }

  /// Some group has that column with that text.
  [[nodiscard]] bool has(std::string_view column, std::string_view text) const noexcept;

  /// Adds the row's groups to `into`; their names start with `prefix`.
  Status finish(std::string_view prefix, std::map<GroupName, GroupValue>& into);

 private:
  struct Cell {
    std::string_view column;
    std::string_view text;
    std::uint16_t group;
    bool is_element;
  };
  struct Group {
    std::string_view name;
    bool is_main;
  };
  void drop_overridden_elements();
  std::uint16_t group_index(std::string_view name, bool is_main);
  std::uint16_t default_index(std::string_view column);

  const TableFacts* facts_;
  bool is_root_;
  std::vector<Group> groups_;
  std::vector<Cell> cells_;
  std::optional<std::uint16_t> entered_;
};

/// Which row a NODE/row is.
struct RowHead {
  std::string_view table;
  std::string_view key;
  bool has_key = false;
  bool is_uuid = false;  ///< the key came as `uuid`
};
Result<RowHead> read_row_head(JsonView extension);
Status read_row_cells(JsonView extension, RowReader& reader);
Status read_owned_row(JsonView extension, const RowHead& head, const Facts& facts,
                      std::map<GroupName, GroupValue>& into);
Status read_audit(JsonView extension, RowReader& reader);
Status read_opaque(JsonView extension, std::map<GroupName, GroupValue>& into);

}  // namespace omrsync::openmrs::fhir
