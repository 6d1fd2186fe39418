#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "adapters/mysql/connection.h"
#include "adapters/openmrs/model.h"

namespace omrsync::tests {

/// Makes rows with random values in every synced table of a database: texts of all scripts, quotes and backslashes,
/// NULLs, zero and extreme dates, doubles of all sizes, references to random rows, cycles and self references included.
/// The same seed makes the same rows. Throws std::runtime_error where the server refuses one.
class RandomRows {
 public:
  RandomRows(mysql::Connection& connection, const openmrs::Model& model, std::uint64_t seed);

  /// About that many rows in each table.
  void fill(int rows_per_table);
  /// Changes up to three columns of a random row of the table, which must have a key.
  void update_one(const std::string& table);
  /// Inserts one row. False: its random key was there already.
  bool insert_one(const std::string& table);
  /// Deletes a random row that nothing refers to. False: every row tried is referred to.
  bool delete_one(const std::string& table);

  [[nodiscard]] std::mt19937_64& random() { return random_; }

 private:
  [[nodiscard]] std::string value_for(const openmrs::Table& table, const openmrs::Column& column);
  [[nodiscard]] std::string random_text(const openmrs::Column& column);
  [[nodiscard]] std::string reference_to(const openmrs::Column& column);
  [[nodiscard]] std::string new_uuid();
  [[nodiscard]] std::string random_where(const openmrs::Table& table);
  void point_at_later_rows();
  void run(const std::string& sql);
  [[nodiscard]] int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }

  mysql::Connection& connection_;
  const openmrs::Model& model_;
  std::mt19937_64 random_;
  std::uint64_t unique_ = 0;
};

}  // namespace omrsync::tests
