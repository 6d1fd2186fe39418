#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/model.h"

namespace omrsync::openmrs::fhir {

/// Extension URLs start with it (W-12).
inline constexpr std::string_view kNode = "urn:x-omrs-sync:ext";

/// How a column's text is written as value[x].
enum class Form : std::uint8_t { boolean, integer, number, text, date, date_time, time, reference, coding };

/// What the codec knows of one column.
struct ColumnFact {
  std::string column;
  Form form = Form::text;
  std::string target;              ///< of a reference "Patient/", of a coding its system
  std::string_view default_group;  ///< of the row: "" is an owned row's main group
  std::string_view audit;          ///< its name within NODE/audit; empty: no audit column
};

/// The columns of one table.
class TableFacts {
 public:
  TableFacts(std::string_view table, bool is_root, const Table* schema);

  /// Null when the schema lacks it.
  [[nodiscard]] const ColumnFact* find(std::string_view column) const noexcept;
  /// The group that the column is in unless the resource says otherwise; "" is an owned row's main group. Part of the
  /// wire format: it never follows the local model, so that a reader of another schema, or of other declarations, finds
  /// the same groups.
  [[nodiscard]] std::string_view default_group(std::string_view column) const noexcept;

 private:
  std::string table_;
  bool is_root_;
  std::vector<ColumnFact> columns_;
};

/// The columns of all tables of a model. Read-only, shared by all threads.
class Facts {
 public:
  explicit Facts(const Model& model);
  [[nodiscard]] const TableFacts& of(std::string_view table, bool is_root) const noexcept;
  /// True of a table of which an owner has one row at most, which then needs no key in a group's name.
  [[nodiscard]] bool is_owned_once(std::string_view table) const noexcept;
  /// True where the model says that the table's rows are told apart by a natural key.
  [[nodiscard]] bool has_natural_key(std::string_view table) const noexcept;

 private:
  std::map<std::string, TableFacts, std::less<>> roots_;
  std::map<std::string, TableFacts, std::less<>> owned_;
  std::set<std::string, std::less<>> natural_;
  std::set<std::string, std::less<>> owned_once_;
  TableFacts unknown_root_;
  TableFacts unknown_owned_;
};

/// The word stands among `words`, which have a blank on both sides.
[[nodiscard]] bool has_word(std::string_view words, std::string_view word) noexcept;

/// "dateCreated" for "date_created"; empty when it is no audit column. And back.
[[nodiscard]] std::string_view audit_name(std::string_view column) noexcept;
[[nodiscard]] std::string_view audit_column(std::string_view name) noexcept;

/// The FHIR type in which rows of the table travel, or that OpenMRS's own module refers to them by; empty: none.
[[nodiscard]] std::string_view reference_type(std::string_view table) noexcept;

}  // namespace omrsync::openmrs::fhir
