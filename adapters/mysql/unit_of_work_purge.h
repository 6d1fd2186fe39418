#pragma once

#include <string>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/unit_of_work_rows.h"

namespace omrsync::mysql {

/// Deletes what was deleted elsewhere, children first (D30). What other rows refer to, and every user, stays: it is
/// voided or retired instead, and notices name who refers. A row that only stands for the purged one is left alone.
/// Comes last in a put, when rows refer to what they refer to from now on.
class Purger {
 public:
  Purger(Connection& connection, const Compiled& compiled) : connection_(connection), compiled_(compiled) {}

  Status remove_owned(PutWork& work);
  Status purge(PutWork& work);

 private:
  struct Referrer {
    const openmrs::Table* table = nullptr;
    const openmrs::Column* column = nullptr;
  };
  [[nodiscard]] std::vector<Referrer> referrers_of(const openmrs::TablePlan& plan) const;
  Result<std::vector<RootKey>> who_refers(const openmrs::TablePlan& plan, const std::string& local,
                                          const RawRoot* whole);
  Result<std::vector<RootKey>> who_refers_to_root(const RawRoot& root);
  Result<bool> delete_root(const RawRoot& root);
  Result<bool> delete_row(const RowWork& row);
  Status keep(PutWork& work, std::size_t write, const openmrs::TablePlan& plan, const Row& before,
              const std::string& key);

  Connection& connection_;
  const Compiled& compiled_;
};

}  // namespace omrsync::mysql
