#include "adapters/openmrs/rows.h"

#include <algorithm>

#include "adapters/openmrs/fold.h"
#include "protocol/cells.h"
#include "protocol/varint.h"

namespace omrsync::openmrs {
namespace {

constexpr char kUnknownTarget = '?';

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 20 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The row that says what an embedded reference points to, where that is another row.
struct Through {
  const TablePlan* type_table = nullptr;
  std::string_view local;
};

std::optional<Through> through_of(const TablePlan& plan, const EmbeddedReference& embedded, Cells cells) {
  const ColumnPlan* by = plan.find_column(embedded.through);
  if (by == nullptr || by->target == nullptr || !cells[by->index]) return std::nullopt;
  return Through{by->target, *cells[by->index]};
}

/// The table that an embedded reference points to in this row; null: its text is just a text.
const TablePlan* embedded_target(const Plans& plans, const TablePlan& plan, const ColumnPlan& column, Cells cells,
                                 const KeyBook& book) {
  const EmbeddedReference& embedded = *column.embedded;
  if (!cells[column.index] || !is_number(*cells[column.index])) return nullptr;
  std::optional<std::string_view> kind;
  if (embedded.through.empty()) {
    const ColumnPlan* by = plan.find_column(embedded.by);
    if (by != nullptr && cells[by->index]) kind = *cells[by->index];
  } else if (const auto through = through_of(plan, embedded, cells)) {
    kind = book.text_of(*through->type_table, through->local, embedded.by);
  }
  if (!kind) return nullptr;
  const auto table = embedded.targets.find(*kind);
  return table == embedded.targets.end() ? nullptr : plans.find(table->second);
}

/// Lower-case ASCII of a uuid as stored; nothing where it cannot be a key.
std::optional<std::string> uuid_key(const std::optional<std::string>& cell) {
  if (!cell || cell->empty() || cell->size() > 64) return std::nullopt;
  std::string key = *cell;
  for (char& c : key) {
    if (c <= ' ' || c > '~' || c == '#' || c == '|' || c == '\\') return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return key;
}

std::optional<std::string> natural_key(const TablePlan& plan, Cells cells, const KeyBook& book) {
  std::vector<std::string> parts;
  bool whole = true;
  for (const std::size_t index : plan.key) {
    const ColumnPlan& column = plan.columns[index];
    std::string& part = parts.emplace_back();
    whole = whole && cells[index].has_value();
    if (!cells[index]) continue;
    if (column.target != nullptr) {
      const auto key = book.key_of(*column.target, *cells[index]);
      if (!key) return std::nullopt;
      part = *key;
    } else {
      part = column.column->type == ColumnType::text ? fold_name(*cells[index]) : *cells[index];
    }
  }
  if (!whole && plan.uuid) {
    const auto uuid = uuid_key(cells[*plan.uuid]);
    if (!uuid) return std::nullopt;
    parts.push_back(*uuid);
  }
  return join_key(parts);
}

/// The part of the row's key that this column spells.
std::string key_part(const TablePlan& plan, const ColumnPlan& column, std::string_view key) {
  if (plan.part->identity == Identity::uuid) return std::string(key);
  const std::vector<std::string> parts = split_key(key);
  for (std::size_t i = 0; i < plan.key.size() && i < parts.size(); ++i)
    if (plan.key[i] == column.index) return parts[i];
  return {};
}

std::string wire_text(const ColumnPlan& column, const std::string& local, const KeyBook& book) {
  if (column.target == nullptr) return local;
  const auto key = book.key_of(*column.target, local);
  return key ? std::string(*key) : kUnknownTarget + local;
}

/// A group with columns whose name or presence on the wire depends on the row.
GroupValue shaped_value(const Plans& plans, const TablePlan& plan, const GroupPlan& group, Cells cells,
                        std::string_view key, const KeyBook& book) {
  std::vector<std::pair<std::string, std::string>> texts;
  texts.reserve(group.columns.size());
  for (const ColumnPlan* column : group.columns) {
    const std::optional<std::string>& cell = cells[column->index];
    if (!cell) continue;
    // An empty text is said, so that it is not taken for NULL.
    if (column->spells_key && !cell->empty() && *cell == key_part(plan, *column, key)) continue;
    const TablePlan* target =
        column->embedded == nullptr ? nullptr : embedded_target(plans, plan, *column, cells, book);
    const auto found = target == nullptr ? std::nullopt : book.key_of(*target, *cell);
    if (found)
      texts.emplace_back(column->column->name + "@" + target->table->name, *found);
    else
      texts.emplace_back(column->column->name, wire_text(*column, *cell, book));
  }
  std::vector<NamedCell> named;
  named.reserve(texts.size());
  for (const auto& [name, text] : texts) named.push_back({name, text});
  return encode_cells(std::move(named));
}

}  // namespace

void wanted_keys(const Plans& plans, const TablePlan& plan, Cells cells, const KeyBook& book,
                 std::vector<Wanted>& out) {
  for (const ColumnPlan& column : plan.columns) {
    if (!cells[column.index]) continue;
    const TablePlan* target = column.target;
    if (column.embedded != nullptr) target = embedded_target(plans, plan, column, cells, book);
    if (target == nullptr || book.key_of(*target, *cells[column.index])) continue;
    out.push_back({target, *cells[column.index]});
  }
}

bool stays_home(const TablePlan& plan, Cells cells) {
  if (plan.rule == nullptr || !plan.rule_column) return false;
  const std::string name = fold_name(cells[*plan.rule_column].value_or(""));
  const bool named = std::find(plan.rule_names.begin(), plan.rule_names.end(), name) != plan.rule_names.end();
  return named != plan.rule->only;
}

std::string join_key(std::span<const std::string> parts) {
  std::string key;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) key.push_back('|');
    for (const char c : parts[i]) {
      if (c == '|' || c == '#' || c == '\\') key.push_back('\\');
      key.push_back(c);
    }
  }
  return key;
}

std::vector<std::string> split_key(std::string_view key) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '|')
      parts.emplace_back();
    else if (key[i] == '\\' && i + 1 < key.size())
      parts.back().push_back(key[++i]);
    else
      parts.back().push_back(key[i]);
  }
  return parts;
}

std::optional<std::string> key_of_row(const TablePlan& plan, Cells cells, const KeyBook& book) {
  switch (plan.part->identity) {
    case Identity::uuid:
      return uuid_key(cells[*plan.uuid]);
    case Identity::natural:
      return natural_key(plan, cells, book);
    case Identity::owner:
      break;
  }
  return std::string();
}

std::optional<std::string> reference_key(const TablePlan& plan, Cells cells) {
  if (plan.refers_by_uuid()) return uuid_key(cells[*plan.uuid]);
  if (plan.part->identity != Identity::natural) return std::nullopt;
  std::vector<std::string> parts;
  for (const std::size_t index : plan.key) {
    if (plan.columns[index].target != nullptr || !cells[index]) return std::nullopt;
    parts.push_back(fold_name(*cells[index]));
  }
  return join_key(parts);
}

std::optional<std::string_view> local_key(const TablePlan& plan, Cells cells) {
  std::optional<std::size_t> place = plan.local;
  if (!place && plan.key.size() == 1 && plan.table->primary_key.size() == 1) place = plan.key.front();
  if (!place || !cells[*place]) return std::nullopt;
  return *cells[*place];
}

GroupName group_name(const TablePlan& plan, std::string_view row_key, const GroupPlan& group) {
  if (plan.is_root()) return group.name;
  GroupName name = plan.table->name;
  if (plan.part->identity != Identity::owner) name.append("/").append(row_key);
  if (!group.name.empty()) name.append("#").append(group.name);
  return name;
}

std::optional<GroupAddress> find_group(const Plans& plans, const TablePlan& root, std::string_view name) {
  const std::size_t slash = name.find('/');
  std::size_t hash = name.rfind('#');
  while (hash != std::string_view::npos && hash > 0 && name[hash - 1] == '\\') hash = name.rfind('#', hash - 1);
  const std::size_t end = std::min({slash, hash, name.size()});
  const TablePlan* owned = plans.find(name.substr(0, end));
  if (owned == nullptr || owned->is_root() || owned->root_plan != &root) {
    if (end != name.size()) return std::nullopt;
    return GroupAddress{&root, root.find_group(name), {}};
  }
  const bool split = hash != std::string_view::npos && (slash == std::string_view::npos || hash > slash);
  const std::string_view group = split ? name.substr(hash + 1) : std::string_view{};
  std::string_view row_key;
  if (slash != std::string_view::npos) row_key = name.substr(slash + 1, (split ? hash : name.size()) - slash - 1);
  return GroupAddress{owned, owned->find_group(group), row_key};
}

GroupValue wire_value(const Plans& plans, const TablePlan& plan, const GroupPlan& group, Cells cells,
                      std::string_view key, const KeyBook& book) {
  if (!group.plain) return shaped_value(plans, plan, group, cells, key, book);
  GroupValue value;
  for (const ColumnPlan* column : group.columns) {
    const std::optional<std::string>& cell = cells[column->index];
    if (!cell) continue;
    append_bytes(value, column->column->name);
    if (column->target == nullptr) {
      append_bytes(value, *cell);
    } else if (const auto known = book.key_of(*column->target, *cell)) {
      append_bytes(value, *known);
    } else {
      append_bytes(value, kUnknownTarget + *cell);
    }
  }
  return value;
}

std::uint64_t local_hash(const GroupPlan& group, Cells cells, const KeyedHash& hash) {
  std::string bytes;
  bytes.reserve(512);
  for (const ColumnPlan* column : group.columns) {
    const std::optional<std::string>& cell = cells[column->index];
    if (!cell) continue;
    append_bytes(bytes, column->column->name);
    append_bytes(bytes, *cell);
  }
  return hash(bytes);
}

std::optional<std::string> spelled_by_key(const TablePlan& plan, const ColumnPlan& column, std::string_view key) {
  std::string text = key_part(plan, column, key);
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<ReadGroup> read_group(const Plans& plans, const GroupPlan& group, std::string_view value) {
  ReadGroup read;
  std::vector<NamedCell> unknown;
  const auto column_of = [&](std::string_view name) -> const ColumnPlan* {
    for (const ColumnPlan* each : group.columns)
      if (each->column->name == name) return each;
    return nullptr;
  };
  const bool whole = for_each_cell(value, [&](NamedCell cell) {
    const std::size_t at = cell.column.find('@');
    LocalCell local{column_of(cell.column.substr(0, at)), cell.text, nullptr, false};
    if (local.column != nullptr && at != std::string_view::npos) {
      local.target = plans.find(cell.column.substr(at + 1));
      if (local.target == nullptr) local.column = nullptr;
    } else if (local.column != nullptr) {
      local.target = local.column->target;
    }
    if (local.column == nullptr) {
      unknown.push_back(cell);
      return;
    }
    if (local.target != nullptr && cell.text.starts_with(kUnknownTarget)) {
      local.target = nullptr;
      local.unknown_target = true;
      local.text.remove_prefix(1);
    }
    read.cells.push_back(local);
  });
  if (!whole) return std::nullopt;
  read.residue = encode_cells(std::move(unknown));
  return read;
}

}  // namespace omrsync::openmrs
