#include "protocol/cells.h"

#include <algorithm>

#include "protocol/varint.h"

namespace omrsync {

std::string encode_cells(std::vector<NamedCell> cells) {
  std::sort(cells.begin(), cells.end(), [](const NamedCell& a, const NamedCell& b) { return a.column < b.column; });
  std::size_t size = 0;
  for (const NamedCell& cell : cells) size += cell.column.size() + cell.text.size() + 6;
  std::string bytes;
  bytes.reserve(size);
  for (const NamedCell& cell : cells) {
    append_bytes(bytes, cell.column);
    append_bytes(bytes, cell.text);
  }
  return bytes;
}

bool for_each_cell(std::string_view value, const std::function<void(NamedCell)>& visit) {
  while (!value.empty()) {
    const auto column = take_bytes(value);
    if (!column) return false;
    const auto text = take_bytes(value);
    if (!text) return false;
    visit({*column, *text});
  }
  return true;
}

std::optional<std::string_view> find_cell(std::string_view value, std::string_view column) {
  while (!value.empty()) {
    const auto name = take_bytes(value);
    if (!name) return std::nullopt;
    const auto text = take_bytes(value);
    if (!text) return std::nullopt;
    if (*name == column) return text;
  }
  return std::nullopt;
}

std::string merge_cells(std::string_view value, std::string_view over) {
  std::vector<NamedCell> cells;
  for_each_cell(value, [&](NamedCell cell) {
    if (!find_cell(over, cell.column)) cells.push_back(cell);
  });
  for_each_cell(over, [&](NamedCell cell) { cells.push_back(cell); });
  return encode_cells(std::move(cells));
}

}  // namespace omrsync
