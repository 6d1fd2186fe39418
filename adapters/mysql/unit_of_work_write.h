#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/references.h"
#include "adapters/mysql/unit_of_work_rows.h"

namespace omrsync::mysql {

/// Writes the rows of a put, in the mapping's order: rows that come, then rows that change. Used by one thread, inside
/// a transaction. After problems the transaction holds nothing useful.
class RowWriter {
 public:
  RowWriter(Connection& connection, const Compiled& compiled, References& references)
      : connection_(connection), compiled_(compiled), references_(references) {}

  /// Finds what the rows refer to. A target that is neither there nor among the rows is a problem.
  Status resolve(PutWork& work);
  Status insert(PutWork& work);
  Status update(PutWork& work);

  /// A row was refused because what it refers to is gone: a remembered key was out of date, or an owner is missing.
  [[nodiscard]] bool target_gone() const noexcept { return target_gone_; }

 private:
  using Rows = std::vector<RowWork*>;

  [[nodiscard]] RowWork* coming(PutWork& work, const openmrs::TablePlan& target, std::string_view key) const;
  Status insert_table(PutWork& work, const openmrs::TablePlan& plan, Rows rows);
  Status insert_rows(PutWork& work, const openmrs::TablePlan& plan, const Rows& rows);
  Status learn_locals(PutWork& work, const openmrs::TablePlan& plan, const Rows& rows);
  void settle_texts(PutWork& work, RowWork& row);
  [[nodiscard]] bool waits_here(PutWork& work, const RowWork& row) const;
  [[nodiscard]] bool waits_hard(PutWork& work, const RowWork& row) const;
  Status break_cycle(PutWork& work, RowWork& row);
  Result<bool> adopt(PutWork& work, RowWork& row);
  static bool take_over_purged(PutWork& work, RowWork& row);
  [[nodiscard]] std::string insert_sql(const openmrs::TablePlan& plan, const Rows& rows) const;
  [[nodiscard]] std::string update_sql(const RowWork& row) const;
  Status run(PutWork& work, const Rows& rows, const std::function<std::string(const Rows&)>& sql_for);

  Connection& connection_;
  const Compiled& compiled_;
  References& references_;
  bool target_gone_ = false;
  std::map<std::pair<std::size_t, std::string>, std::size_t> coming_;  ///< table number and reference key -> row
};

/// " WHERE ..." of the row as it stands (`before`, or what was inserted).
[[nodiscard]] std::string where_row(const SqlTable& sql, const RowWork& row);

}  // namespace omrsync::mysql
