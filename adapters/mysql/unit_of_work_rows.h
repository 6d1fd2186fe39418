#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "adapters/mysql/database_tables.h"
#include "adapters/mysql/snapshot_rows.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

/// What a column is to hold. `text` of a reference is the target's local key, empty until it is found.
struct NewText {
  Cell text;
  const openmrs::TablePlan* target = nullptr;
  std::string key;     ///< of the target, in wire terms
  bool later = false;  ///< the target is not inserted yet when this row is; set in the second pass
};

/// One row that a put inserts, updates or deletes.
struct RowWork {
  std::size_t write = 0;  ///< which of the writes
  const openmrs::TablePlan* plan = nullptr;
  std::string key;  ///< of the root, or of the owned row within its root
  Row before;       ///< empty: there is none
  bool remove = false;
  std::map<std::size_t, NewText> set;             ///< by column
  std::vector<const openmrs::GroupPlan*> groups;  ///< written ones
  std::optional<std::size_t> owner;               ///< of an owned row: its root's RowWork, where that is inserted too
  std::string local;                              ///< its local key, once known
  bool done = false;

  [[nodiscard]] bool exists() const noexcept { return !before.empty(); }
  [[nodiscard]] bool inserts() const noexcept { return before.empty() && !remove; }
};

/// All rows of one put.
struct PutWork {
  std::span<const ports::RootWrite> writes;
  std::vector<const RawRoot*> roots;                  ///< by write; null: not there
  std::vector<std::optional<std::size_t>> root_rows;  ///< by write: the root's own RowWork
  std::vector<RowWork> rows;
  std::vector<std::size_t> purges;  ///< writes
  ports::PutOutcome outcome;

  void refuse(std::size_t write, Code code, std::string reason, std::vector<RootKey> missing = {});
};

/// Turns groups into columns of rows. `roots`: what is there, by write. What this schema lacks becomes residue; what
/// cannot be written at all becomes a problem.
[[nodiscard]] PutWork plan_rows(const Compiled& compiled, std::span<const ports::RootWrite> writes,
                                std::vector<const RawRoot*> roots);

/// The row as it will be: `before` with what is set.
[[nodiscard]] Row row_after(const RowWork& work);

/// Fills `outcome.hashes` from what the rows will be.
void tell_hashes(const Compiled& compiled, PutWork& work);

/// A text that a NOT NULL column can hold where nothing was said.
[[nodiscard]] std::string filler(const openmrs::Column& column);

/// Why `text` does not fit the column; nothing: it fits.
[[nodiscard]] std::optional<Code> unfit(const openmrs::Column& column, std::string_view text);

}  // namespace omrsync::mysql
