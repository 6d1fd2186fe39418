#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adapters/openmrs/model.h"

namespace omrsync::openmrs {

struct TablePlan;

/// A column, and what it means for the wire.
struct ColumnPlan {
  const Column* column = nullptr;
  std::size_t index = 0;                        ///< in the table's order
  const TablePlan* target = nullptr;            ///< of a reference
  const EmbeddedReference* embedded = nullptr;  ///< its text may be a local id, by another column
  bool spells_key = false;                      ///< travels only where its text is not the key's
};

struct GroupPlan {
  std::string name;                        ///< as ColumnGroup::name
  std::vector<const ColumnPlan*> columns;  ///< by rising name, the order of the wire
  bool plain = true;                       ///< no column of it is `embedded` or `spells_key`
};

/// A table of the model with everything that handling a row of it needs, so that a row costs no look-up by name.
struct TablePlan {
  std::size_t number = 0;  ///< its place in Model::tables
  const Table* table = nullptr;
  const TablePart* part = nullptr;
  const Root* root = nullptr;
  const TablePlan* root_plan = nullptr;  ///< of the root's table; itself where this is a root
  /// The table whose uuid or name is the key by which this one is referred to, under the same local number: person for
  /// patient, orders for drug_order, itself for most.
  const TablePlan* key_holder = nullptr;
  std::vector<ColumnPlan> columns;  ///< in the table's order
  std::vector<GroupPlan> groups;
  std::vector<const TablePlan*> owned;  ///< of a root
  std::vector<std::size_t> key;         ///< places of natural key columns
  std::optional<std::size_t> uuid;
  std::optional<std::size_t> local;  ///< place of the integer primary key
  std::optional<std::size_t> owner;
  const RowRule* rule = nullptr;
  std::optional<std::size_t> rule_column;
  std::vector<std::string> rule_names;          ///< in the form of fold_name
  std::vector<const EmbeddedReference*> typed;  ///< its embedded references whose kind a row of another table says

  [[nodiscard]] bool is_root() const noexcept { return !owner; }
  /// References to this table are by its own uuid. Else by the key of `key_holder`, or by its natural key.
  [[nodiscard]] bool refers_by_uuid() const noexcept {
    return uuid.has_value() && local.has_value() && part->identity != Identity::owner;
  }
  [[nodiscard]] const GroupPlan* find_group(std::string_view name) const noexcept;
  [[nodiscard]] const ColumnPlan* find_column(std::string_view name) const noexcept;
};

/// Plans for every synced table of a model. Read-only after construction, so any thread may use it.
class Plans {
 public:
  explicit Plans(std::shared_ptr<const Model> model);
  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;

  [[nodiscard]] const Model& model() const noexcept { return *model_; }
  /// Null: the table does not travel, or is not there.
  [[nodiscard]] const TablePlan* find(std::string_view table) const noexcept;
  /// All, in the order in which rows can be inserted.
  [[nodiscard]] std::span<const std::unique_ptr<TablePlan>> all() const noexcept { return plans_; }

 private:
  void add(const Root& root, const TablePart& part);
  void connect(TablePlan& plan);

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  std::shared_ptr<const Model> model_;
  std::vector<std::unique_ptr<TablePlan>> plans_;
  std::unordered_map<std::string, TablePlan*, Hash, std::equal_to<>> by_name_;
};

}  // namespace omrsync::openmrs
