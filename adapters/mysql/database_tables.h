#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/mysql/canonical.h"
#include "adapters/mysql/connection.h"
#include "adapters/openmrs/plans.h"
#include "protocol/digest.h"

namespace omrsync::mysql {

/// What SQL needs to know of a synced table.
struct SqlTable {
  const openmrs::TablePlan* plan = nullptr;
  std::string name;                ///< quoted
  std::string select;              ///< every column in the table's order; NULL for one that never travels
  std::vector<ValueKind> kinds;    ///< by column
  std::vector<std::string> names;  ///< by column, quoted
};

/// A compiled schema with everything that sessions share: read-only, replaced as a whole after DDL.
class Compiled {
 public:
  Compiled(std::shared_ptr<const openmrs::Model> model, const KeyedHash& hash);

  openmrs::Plans plans;
  KeyedHash hash;

  [[nodiscard]] const SqlTable& sql(const openmrs::TablePlan& plan) const { return tables_[plan.number]; }

 private:
  std::vector<SqlTable> tables_;
};

/// A row as `SqlTable::select` gave it, in canonical text.
void to_canonical(const SqlTable& table, Row& row);

/// `text` as a literal for a column of that kind. Nothing: it is no such value; numbers are checked, so that what came
/// over the wire is never SQL.
[[nodiscard]] std::optional<std::string> literal(ValueKind kind, std::string_view text);

/// "(1,2,3)" of literals. Texts that are no value of the column are left out: nothing can equal them.
[[nodiscard]] std::string in_list(ValueKind kind, std::span<const std::string_view> texts);

}  // namespace omrsync::mysql
