#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "adapters/openmrs/fhir/codec.h"
#include "adapters/openmrs/fhir/residue.h"
#include "adapters/openmrs/fhir/row_extension.h"

/// Columns as FHIR elements, one rule for both directions. A rule writes an element only where reading it gives the
/// cells back byte for byte, so that whatever it leaves goes into extensions and nothing is said twice.
namespace omrsync::openmrs::fhir {

struct ElementWriter {
  JsonOut& json;
  Source& source;
  const Zone& zone;
  const Lookup* lookup = nullptr;

  [[nodiscard]] const SourceRow& root() const { return source.rows.front(); }
  /// The owned row of that table of which there is one at most.
  [[nodiscard]] const SourceRow* once(std::string_view table) const noexcept;
};

struct ElementReader {
  const RootKey& root;
  const Facts& facts;
  RowReader& row;
  std::map<GroupName, GroupValue>& into;
  std::map<std::string, RowReader, std::less<>> once;  ///< rows of owned tables without a key

  RowReader& reader_of(std::string_view table);
};

struct Rule {
  std::string_view member;  ///< of the resource, or of the element that the rule is within
  std::string_view column;
  std::string_view detail;  ///< "Patient/", a system, a table of codes: as the rule's functions need it
  /// True: something was written. Null: another rule writes this member.
  bool (*write)(ElementWriter& to, const SourceRow& row, const Rule& rule);
  /// True: the element says nothing but what the cells do. False: it is also kept as residue.
  Result<bool> (*read)(ElementReader& from, RowReader& row, const Rule& rule, JsonView value);
  std::string_view choice = {};  ///< of the rules with the same choice only the first that can writes (value[x])
};

/// A FHIR type for the roots of one table.
struct Type {
  std::string_view name;
  std::string_view table;
  std::span<const Rule> rules;
  std::string_view required = {};          ///< a column without which the resource would not be valid
  std::string_view needs_row = {};         ///< the root has a row of this owned table; NODE/audit is that row's then
  std::string_view root_audit = "/audit";  ///< the root row's own
  std::string_view exact = {};             ///< columns that are under NODE/exact where their element cannot hold them
};

// Functions for rules; `detail` in brackets.
using WriteRule = bool(ElementWriter& to, const SourceRow& row, const Rule& rule);
using ReadRule = Result<bool>(ElementReader& from, RowReader& row, const Rule& rule, JsonView value);
WriteRule write_text, write_number, write_quantity;
ReadRule read_text, read_number, read_quantity;
WriteRule write_date_time;  ///< [what follows the seconds]
ReadRule read_date_time;
WriteRule write_date;
ReadRule read_date;
WriteRule write_reference;  ///< ["Type/"]
ReadRule read_reference;
WriteRule write_concept, write_concept_list;  ///< [system, or none]
ReadRule read_concept, read_concept_list;
WriteRule write_code, write_flag;  ///< ["TEXT=code TEXT=code"], flag: the codes are true and false
ReadRule read_code, read_flag;
WriteRule write_constant;  ///< [JSON]
ReadRule read_constant;

// Pieces that those, and the rules of single types, are made of.
[[nodiscard]] std::string_view code_of(std::string_view codes, std::string_view text) noexcept;
[[nodiscard]] std::string_view text_of_code(std::string_view codes, std::string_view code) noexcept;
/// The id in a relative reference of that type; empty when it is none.
[[nodiscard]] std::string_view referenced_id(JsonView reference, std::string_view type) noexcept;
[[nodiscard]] const Rule* find_rule(std::span<const Rule> rules, std::string_view member) noexcept;
/// {"coding":[{"system":…,"code":…}]}
void write_coded(JsonOut& json, std::string_view system, std::string_view code);
/// The first coding of that system (none: of no system); `exact` when nothing else is said.
std::string_view read_coded(JsonView value, std::string_view system, bool& exact);
/// Runs the rules; true when one wrote.
bool write_rules(ElementWriter& to, const SourceRow& row, std::span<const Rule> rules);
/// An object as the member `name`, if one of the rules writes into it.
bool write_object(ElementWriter& to, const SourceRow& row, std::string_view name, std::span<const Rule> rules);
Result<bool> read_object(ElementReader& from, RowReader& row, JsonView object, std::span<const Rule> rules);

/// An extension whose children are texts: url and `#name` for each "name=column" of `columns`.
void write_texts(ElementWriter& to, ExtensionsOut& out, const SourceRow& row, std::string_view url,
                 std::string_view columns);
Result<bool> read_texts(JsonView extension, RowReader& row, std::string_view url, std::string_view columns);

/// The extensions of an element that stands for an owned row: NODE/audit, NODE/<table>/<column>, NODE/groups.
void write_row_extensions(ElementWriter& to, ExtensionsOut& out, const SourceRow& row);
/// Reads one of them; false: it is none of ours.
Result<bool> read_row_extension(JsonView extension, std::string_view table, RowReader& row);

/// Adds the row, which is there with its main group and is not voided, under its key.
Status finish_item(RowReader& row, std::string_view table, std::string_view key, std::map<GroupName, GroupValue>& into);
void write_reference_extension(ElementWriter& to, ExtensionsOut& out, const SourceRow& row, std::string_view url,
                               std::string_view column, std::string_view type);

/// An array of elements, one for each row of the table that can stand as one.
using WriteItem = void(ElementWriter& to, const SourceRow& row);
bool write_items(ElementWriter& to, std::string_view member, std::string_view table,
                 bool (*can)(Source&, const SourceRow&), WriteItem* write);
Result<bool> read_items(ElementReader& from, JsonView array, Result<bool> (*read)(ElementReader&, JsonView));

/// The owned row can stand as an element: it is regular, has its main group, is not voided, and its key is an id.
/// Takes the cell `voided`, for being an element says that it is 0.
bool claim_as_element(ElementWriter& to, const SourceRow& row);

void write_resource(ElementWriter& to, const Type& type, std::string_view id);
Status read_resource(JsonView resource, const Type& type, const RootKey& root, const Facts& facts,
                     std::map<GroupName, GroupValue>& into);

}  // namespace omrsync::openmrs::fhir
