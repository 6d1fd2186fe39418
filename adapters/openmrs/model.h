#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/ports/openmrs.h"
#include "protocol/result.h"
#include "protocol/state.h"

/// What the live database looks like, and which of its columns belong to which root and group. Plain data, built once
/// at start (and again after DDL), then read-only and shared by all threads.
namespace omrsync::openmrs {

enum class ColumnType { boolean, integer, real, decimal, text, bytes, date, datetime, time, bits, other };

struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  std::string sql_type;  ///< as information_schema.COLUMN_TYPE has it, lower case
  std::string charset;   ///< of text columns
  bool nullable = true;
  bool auto_increment = false;
  std::optional<std::string> default_text;
  std::string references;         ///< table that the foreign key names; empty: none
  std::string references_column;  ///< its column, nearly always that table's primary key
  bool enforced = true;           ///< false: no foreign key, a declaration or OpenMRS's naming says what it refers to
  bool cascades_delete = false;   ///< the foreign key deletes rows of this table by itself
};

struct Table {
  std::string name;
  std::vector<Column> columns;  ///< in the database's order: the order of binlog images
  std::vector<std::string> primary_key;
  std::vector<std::vector<std::string>> unique_keys;  ///< beside the primary key
  bool has_uuid = false;
  std::uint64_t epoch = 0;  ///< digest of all above: changes when the table's shape does

  [[nodiscard]] const Column* find(std::string_view column) const noexcept {
    for (const Column& each : columns)
      if (each.name == column) return &each;
    return nullptr;
  }

  /// The one integer column that is the primary key; null when the key is of another kind.
  [[nodiscard]] const Column* integer_key() const noexcept {
    if (primary_key.size() != 1) return nullptr;
    const Column* key = find(primary_key.front());
    return key != nullptr && key->type == ColumnType::integer ? key : nullptr;
  }
};

using Schema = std::map<std::string, Table, std::less<>>;

/// The kind of a column by information_schema.COLUMN_TYPE, lower case.
[[nodiscard]] ColumnType column_type_of(std::string_view sql_type) noexcept;

/// Digest of columns and keys, the epoch itself left out.
[[nodiscard]] std::uint64_t epoch_of(const Table& table);

/// A group of one table. Every column of the table is in exactly one group, but for the keys that carry identity (the
/// integer primary key, the owner's key of an owned table, foreign keys of a natural key) and columns that never travel
/// (D18). The text of a uuid or of a natural key is in a group, and travels only where its spelling is not the key's.
struct ColumnGroup {
  std::string name;  ///< "gender", "life", "changed"; of an owned table the part after '#', empty for its main group
  std::vector<std::string> columns;
};

/// How the rows of a table are told apart in wire terms.
enum class Identity {
  uuid,     ///< the uuid column, lower case
  natural,  ///< the columns in `key_columns`, foreign keys as the targets' keys, joined (see key_of in rows.h)
  owner,    ///< at most one row per owner: concept_numeric, drug_order, patient, obs_reference_range
};

struct TablePart {
  std::string table;
  Identity identity = Identity::uuid;
  std::vector<std::string> key_columns;  ///< of `natural`
  std::string owner_column;              ///< of an owned table: the column that holds the root row's integer key
  std::vector<ColumnGroup> groups;
};

/// A root with the tables it owns (D27), in the order in which their rows can be inserted.
struct Root {
  ports::RootTable::Class kind = ports::RootTable::Class::clinical;
  TablePart root;
  std::vector<TablePart> owned;
  bool declared = false;  ///< by a file in mapping/, not found from the live schema alone
};

/// A column that never travels, with the reason that `mapping coverage` shows (D18).
struct Excluded {
  std::string table;
  std::string column;  ///< empty: the whole table
  std::string reason;
};

/// A column whose text is the local integer id of a row in a table that another column names: it travels as the cell
/// `<column>@<table>` with the target's key; any other text travels as it is.
struct EmbeddedReference {
  std::string table;
  std::string column;
  std::string through;  ///< foreign key of `table` to the row that has `by`; empty: the same row has it
  std::string by;       ///< the column that says which kind of target
  std::map<std::string, std::string, std::less<>> targets;  ///< text of `by` -> table
};

/// Rows of a root table that never travel, told by one column's text (compared as the server compares names).
struct RowRule {
  std::string table;
  std::string column;
  bool only = false;  ///< true: rows not named stay at home; false: rows named do
  std::vector<std::string> names;
  std::string reason;
};

/// The compiled declarations for one live schema.
struct Model {
  Schema schema;                    ///< columns' `references` completed by the declarations
  std::vector<Root> roots;          ///< in the order in which their rows can be inserted
  std::vector<std::string> tables;  ///< root and owned tables in the order in which rows can be inserted
  std::vector<Excluded> excluded;
  std::vector<EmbeddedReference> embedded;
  std::vector<RowRule> row_rules;

  /// The root that `table` is, or that owns it; null when the table does not travel.
  [[nodiscard]] const Root* root_of(std::string_view table) const noexcept;
  /// The part of that root which `table` is.
  [[nodiscard]] const TablePart* part_of(std::string_view table) const noexcept;
  /// Why a column (empty: the table) does not travel; null when it does.
  [[nodiscard]] const Excluded* exclusion(std::string_view table, std::string_view column = {}) const noexcept;
};

/// The column carries identity: it is said by the root's key or by the owner, and is in no group.
[[nodiscard]] bool is_identity(const Table& table, const TablePart& part, const Column& column) noexcept;

/// Compiles the built-in declarations (mapping/*.json, embedded) and `more` (a site's own, JSON texts) against the live
/// schema. Tables that no declaration names become roots of their own: groups `row`, `life` and `changed`. Fails with
/// config_invalid naming file, member and remedy.
Result<Model> compile_model(Schema schema, const std::vector<std::string>& more = {});

}  // namespace omrsync::openmrs
