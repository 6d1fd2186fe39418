#include "adapters/openmrs/fhir/source.h"

#include "protocol/varint.h"

namespace omrsync::openmrs::fhir {
namespace {

/// A column that can stand in a URL.
bool is_plain_column(std::string_view column) noexcept {
  if (column.empty()) return false;
  for (const char byte : column)
    if (byte <= 0x20 || byte >= 0x7F) return false;
  return true;
}

std::size_t varint_size(std::size_t number) noexcept {
  std::size_t size = 1;
  for (; number >= 0x80; number >>= 7U) ++size;
  return size;
}

}  // namespace

NameParts take_apart(std::string_view root_table, std::string_view name, const Facts& facts) noexcept {
  NameParts parts;
  const std::size_t slash = name.find('/');
  std::size_t mark = name.rfind('#');
  while (mark != std::string_view::npos && mark > 0 && name[mark - 1] == '\\') mark = name.rfind('#', mark - 1);
  parts.has_key = slash != std::string_view::npos;
  if (mark != std::string_view::npos && (mark + 1 == name.size() || (parts.has_key && mark < slash)))
    mark = std::string_view::npos;
  parts.row = name.substr(0, mark);
  parts.table = parts.row.substr(0, slash);
  parts.owned = parts.has_key ? slash != 0 : parts.table != root_table && facts.is_owned_once(parts.table);
  parts.is_main = parts.owned && mark == std::string_view::npos;
  parts.group = !parts.owned ? name : parts.is_main ? std::string_view() : name.substr(mark + 1);
  if (parts.has_key) parts.key = parts.row.substr(slash + 1);
  return parts;
}

Source::Source(const RootKey& root, const std::map<GroupName, GroupValue>& all, const Facts& facts) {
  cells.reserve(32);
  groups.reserve(all.size());
  add_row({false, {}, root.table, root.key, false, {}, false}, facts.of(root.table, true));
  for (const auto& entry : all) {
    const NameParts parts = take_apart(root.table, entry.first, facts);
    if (parts.owned) continue;
    if (entry.first == kResidueGroup) {
      residue = entry.second;
      has_residue = true;
    } else if (!add_group({parts.group, false, false}, entry.second)) {
      opaque.push_back(&entry);
    }
  }
  std::string_view row;
  for (const auto& entry : all) {
    const NameParts parts = take_apart(root.table, entry.first, facts);
    if (!parts.owned) continue;
    if (rows.size() == 1 || parts.row != row) add_row(parts, facts.of(parts.table, false));
    row = parts.row;
    if (!add_group({parts.group, parts.is_main, false}, entry.second)) opaque.push_back(&entry);
  }
}

void Source::add_row(const NameParts& parts, const TableFacts& facts) {
  const std::size_t cell = cells.size();
  const std::size_t group = groups.size();
  rows.push_back({parts.table, parts.key, parts.has_key, &facts, cell, cell, group, group});
}

bool Source::add_group(SourceGroup group, std::string_view value) {
  SourceRow& row = rows.back();
  const auto index = static_cast<std::uint16_t>(groups.size() - row.first_group);
  const std::string_view name = group.is_main ? std::string_view() : group.name;
  std::string_view before;
  const std::size_t size = value.size();
  std::size_t canonical = 0;
  while (!value.empty()) {
    const auto column = take_bytes(value);
    const auto text = column ? take_bytes(value) : std::nullopt;
    if (!text || *column <= before || !is_plain_column(*column)) {
      cells.resize(row.end_cell);
      return false;
    }
    before = *column;
    canonical += varint_size(column->size()) + column->size() + varint_size(text->size()) + text->size();
    const ColumnFact* fact = row.facts->find(*column);
    const std::string_view usual = fact != nullptr ? fact->default_group : row.facts->default_group(*column);
    cells.push_back(
        {*column, *text, fact, index, usual == name && group.is_main == (rows.size() > 1 && usual.empty()), false});
  }
  if (canonical != size) {
    cells.resize(row.end_cell);
    return false;
  }
  groups.push_back(group);
  row.end_cell = cells.size();
  row.end_group = groups.size();
  return true;
}

SourceCell* Source::take(const SourceRow& row, std::string_view column) noexcept {
  SourceCell* found = nullptr;
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at) {
    if (cells[at].column != column) continue;
    if (found != nullptr) return nullptr;
    found = &cells[at];
  }
  return found != nullptr && found->is_default && !found->done ? found : nullptr;
}

const SourceCell* Source::find(const SourceRow& row, std::string_view column) const noexcept {
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at)
    if (cells[at].column == column) return &cells[at];
  return nullptr;
}

}  // namespace omrsync::openmrs::fhir
