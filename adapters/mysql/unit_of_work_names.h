#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/unit_of_work_rows.h"

namespace omrsync::mysql {

/// Unique names that another row has already (D19). Comes after references are resolved and before anything is written.
class NameKeeper {
 public:
  NameKeeper(Connection& connection, const Compiled& compiled, const std::string& site)
      : connection_(connection), compiled_(compiled), site_(site) {}

  /// - A new metadata row whose name is taken becomes an alias of the row that has it: `aliases` then says so, nothing
  /// was
  ///   written, and the rows are to be planned again.
  /// - A user whose name or address is taken goes in without it; the core users admin and daemon are aliases.
  /// - A name that is taken by a row which this put renames or deletes is freed first, by a name in between.
  /// - Else the write is refused with apply_name_taken.
  Status settle(PutWork& work);

  /// Write -> the key of the row that it stands for from now on.
  [[nodiscard]] const std::vector<std::pair<std::size_t, std::string>>& aliases() const noexcept { return aliases_; }

  /// Notices of identifiers that other rows have too; both are there.
  Status note_identifiers(PutWork& work);

 private:
  struct Holder {
    std::string local;  ///< its local key
    std::string uuid;
    std::vector<std::string> texts;  ///< of the key's columns
    std::string kind;                ///< its datatype or format
  };
  using Key = std::vector<std::size_t>;

  Status settle_key(PutWork& work, const openmrs::TablePlan& plan, const Key& key, const std::vector<RowWork*>& rows);
  Status taken(PutWork& work, RowWork& row, const Key& key, const Holder& holder);
  Status taken_user(PutWork& work, RowWork& row, const Holder& holder);
  Status settle_users(PutWork& work, const openmrs::TablePlan& plan, const std::vector<RowWork*>& rows);
  Status free_name(RowWork& holder, const Key& key);
  Result<std::vector<Holder>> holders(const openmrs::TablePlan& plan, const Key& key,
                                      const std::vector<std::vector<std::string>>& wanted);
  void go_without(PutWork& work, RowWork& row, std::size_t column, const Cell& instead);

  Connection& connection_;
  const Compiled& compiled_;
  const std::string& site_;
  std::vector<std::pair<std::size_t, std::string>> aliases_;
};

}  // namespace omrsync::mysql
