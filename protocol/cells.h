#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omrsync {

/// One column of a row in wire terms: text in canonical form, foreign keys as the target's key. A column that is NULL
/// is not listed, so a database that lacks the column gives the same value as one where it is empty.
struct NamedCell {
  std::string_view column;
  std::string_view text;
};

/// Canonical bytes of a group's value: (varint length, column, varint length, text)* by rising column name. Equal rows
/// give equal bytes on every node.
[[nodiscard]] std::string encode_cells(std::vector<NamedCell> cells);

/// Calls `visit` for each cell in order; false when the bytes are not well-formed (cells before the fault were
/// visited).
bool for_each_cell(std::string_view value, const std::function<void(NamedCell)>& visit);

/// The text of one column; nothing when NULL or absent.
[[nodiscard]] std::optional<std::string_view> find_cell(std::string_view value, std::string_view column);

/// The cells of both; where both have a column, `over` wins.
[[nodiscard]] std::string merge_cells(std::string_view value, std::string_view over);

}  // namespace omrsync
