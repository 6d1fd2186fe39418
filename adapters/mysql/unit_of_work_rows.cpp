#include "adapters/mysql/unit_of_work_rows.h"

#include <algorithm>
#include <charconv>

#include "protocol/cells.h"

namespace omrsync::mysql {
namespace {

using openmrs::ColumnPlan;
using openmrs::GroupPlan;
using openmrs::TablePlan;

class RowPlanner {
 public:
  RowPlanner(const Compiled& compiled, PutWork& work) : compiled_(compiled), work_(work) {}

  void plan(std::size_t write) {
    const ports::RootWrite& asked = work_.writes[write];
    const TablePlan* plan = compiled_.plans.find(asked.root.table);
    if (plan == nullptr || !plan->is_root()) {
      const bool excluded = compiled_.plans.model().exclusion(asked.root.table) != nullptr;
      work_.refuse(write, excluded ? Code::apply_refused : Code::mapping_unknown_table,
                   excluded ? "table " + asked.root.table + " never travels" : "there is no table " + asked.root.table);
      return;
    }
    const bool says = std::any_of(asked.groups.begin(), asked.groups.end(), [](const auto& g) { return g.second; });
    const auto life = asked.groups.find(kLifeGroup);
    if (asked.purge || (life != asked.groups.end() && !life->second)) {
      if (work_.roots[write] != nullptr) work_.purges.push_back(write);
      return;
    }
    if (!says && work_.roots[write] == nullptr) return;
    write_ = write;
    root_ = work_.roots[write];
    rows_.clear();
    plan_ = plan;
    if (root_ == nullptr) row_for(*plan, "");
    for (const auto& [name, value] : asked.groups) group(name, value);
    finish();
  }

 private:
  void group(const GroupName& name, const std::optional<GroupValue>& value) {
    const auto address = openmrs::find_group(compiled_.plans, *plan_, name);
    if (!address || address->group == nullptr) {
      if (value && !value->empty()) work_.outcome.residues[write_][name] = *value;
      return;
    }
    if (root_ != nullptr && root_->foreign_core_user()) {
      if (!value || !address->plan->is_root()) return;
      add_residue(name, travelling(*plan_, *value));
      work_.outcome.hashes[write_][name] = absent_hash(compiled_);
      return;
    }
    RowWork& row = row_for(*address->plan, address->row_key);
    if (!value) {
      if (address->group->name.empty()) row.remove = true;
      return;
    }
    row.groups.push_back(address->group);
    const auto read = openmrs::read_group(compiled_.plans, *address->group, *value);
    if (!read) {
      work_.refuse(write_, Code::wire_malformed, "the group " + address->group->name + " is not well-formed");
      return;
    }
    add_residue(name, travelling(*row.plan, read->residue));
    set_group(row, *address->group, name, *read);
  }

  /// What never travels is not carried on either.
  [[nodiscard]] std::string travelling(const TablePlan& plan, std::string_view cells) const {
    std::vector<NamedCell> kept;
    for_each_cell(cells, [&](NamedCell cell) {
      if (compiled_.plans.model().exclusion(plan.table->name, cell.column) == nullptr) kept.push_back(cell);
    });
    return encode_cells(std::move(kept));
  }

  /// Cells that the database cannot hold, beside those that it cannot hold already.
  void add_residue(const GroupName& name, std::string_view cells) {
    if (cells.empty()) return;
    GroupValue& residue = work_.outcome.residues[write_][name];
    residue = merge_cells(residue, cells);
  }

  void set_group(RowWork& row, const GroupPlan& group, const GroupName& name, const openmrs::ReadGroup& read) {
    for (const ColumnPlan* column : group.columns) leave_out(row, *column);
    for (const openmrs::LocalCell& cell : read.cells) {
      if (keeps_spelling(row, *cell.column)) continue;
      const openmrs::Column& column = *cell.column->column;
      const std::string where = row.plan->table->name + "." + column.name;
      if (cell.unknown_target && column.enforced) {
        if (column.nullable)
          add_residue(name, encode_cells({{column.name, "?" + std::string(cell.text)}}));
        else
          work_.refuse(write_, Code::apply_refused, where + " refers to a row that its sender did not have");
        continue;
      }
      NewText text;
      text.target = cell.target;
      if (cell.target != nullptr) {
        text.key = cell.text;
      } else {
        text.text = std::string(cell.text);
        const auto code = unfit(column, cell.text);
        const bool literal_ok = literal(kind_of(column.sql_type), cell.text).has_value();
        if (code || !literal_ok)
          work_.refuse(write_, code.value_or(Code::apply_refused), "a value does not fit " + where);
      }
      row.set.insert_or_assign(cell.column->index, std::move(text));
    }
  }

  /// What a row here is called is not rewritten by how another node spells it.
  [[nodiscard]] bool keeps_spelling(const RowWork& row, const ColumnPlan& column) const {
    if (!column.spells_key || !row.exists()) return false;
    return row.plan->part->identity == openmrs::Identity::natural || (row.plan->is_root() && root_->by_alias());
  }

  /// What a column holds that the value does not list: NULL, or where that cannot be what it held or a filler.
  void leave_out(RowWork& row, const ColumnPlan& column) {
    if (keeps_spelling(row, column)) return;
    NewText text;
    if (column.spells_key) text.text = openmrs::spelled_by_key(*row.plan, column, key_of(row));
    if (!text.text && !column.column->nullable) {
      if (row.exists()) return;
      text.text = filler(*column.column);
    }
    row.set.insert_or_assign(column.index, std::move(text));
  }

  [[nodiscard]] const std::string& key_of(const RowWork& row) const {
    return row.plan->is_root() ? work_.writes[write_].root.key : row.key;
  }

  RowWork& row_for(const TablePlan& plan, std::string_view key) {
    const auto known = rows_.find({plan.number, std::string(key)});
    if (known != rows_.end()) return work_.rows[known->second];
    rows_.emplace(std::pair(plan.number, std::string(key)), work_.rows.size());
    if (plan.is_root()) work_.root_rows[write_] = work_.rows.size();
    RowWork& row = work_.rows.emplace_back();
    row.write = write_;
    row.plan = &plan;
    row.key = plan.is_root() ? work_.writes[write_].root.key : std::string(key);
    if (root_ != nullptr && plan.is_root()) row.before = root_->row;
    if (root_ != nullptr && !plan.is_root()) row.before = owned_row(plan, key);
    return row;
  }

  [[nodiscard]] Row owned_row(const TablePlan& plan, std::string_view key) const {
    for (std::size_t i = 0; i < root_->owned.size(); ++i)
      if (root_->owned[i].first == &plan && root_->owned_keys[i] == key) return root_->owned[i].second;
    return {};
  }

  void finish() {
    for (const auto& [name, index] : rows_) {
      RowWork& row = work_.rows[index];
      if (row.exists()) row.local = openmrs::local_key(*row.plan, row.before).value_or("");
      if (row.exists() || row.remove) continue;
      identify(row);
      if (!row.plan->is_root() && root_ == nullptr) row.owner = work_.root_rows[write_];
      if (!row.plan->is_root() && root_ != nullptr) row.set[*row.plan->owner].text = std::to_string(root_->local_id);
      fill(row);
    }
  }

  /// Columns that carry identity, from the key.
  void identify(RowWork& row) {
    const TablePlan& plan = *row.plan;
    if (plan.part->identity == openmrs::Identity::uuid) {
      row.set.try_emplace(*plan.uuid, NewText{row.key, nullptr, {}, false});
      return;
    }
    if (plan.part->identity != openmrs::Identity::natural) return;
    const std::vector<std::string> parts = openmrs::split_key(row.key);
    if (parts.size() < plan.key.size()) {
      work_.refuse(write_, Code::wire_malformed, "the key is not one of table " + plan.table->name);
      return;
    }
    for (std::size_t i = 0; i < plan.key.size(); ++i) {
      const ColumnPlan& column = plan.columns[plan.key[i]];
      const bool null = parts[i].empty() && column.column->nullable;
      if (column.target == nullptr) {
        row.set.try_emplace(column.index, NewText{null ? Cell{} : Cell(parts[i]), nullptr, {}, false});
      } else {
        row.set.insert_or_assign(column.index, null ? NewText{} : NewText{{}, column.target, parts[i], false});
      }
    }
  }

  /// Columns of an inserted row that no group said anything of.
  void fill(RowWork& row) {
    for (const ColumnPlan& column : row.plan->columns) {
      const openmrs::Column& live = *column.column;
      if (live.nullable || live.auto_increment || row.set.contains(column.index)) continue;
      if (row.plan->owner == column.index || row.plan->local == column.index) continue;
      row.set[column.index].text = filler(live);
    }
  }

  const Compiled& compiled_;
  PutWork& work_;
  std::size_t write_ = 0;
  const RawRoot* root_ = nullptr;
  const TablePlan* plan_ = nullptr;
  std::map<std::pair<std::size_t, std::string>, std::size_t> rows_;  ///< by table number and key
};

}  // namespace

void PutWork::refuse(std::size_t write, Code code, std::string reason, std::vector<RootKey> missing) {
  for (ports::PutProblem& problem : outcome.problems) {
    if (problem.root != writes[write].root) continue;
    problem.missing.insert(problem.missing.end(), missing.begin(), missing.end());
    if (problem.missing.empty() || !missing.empty() || code == Code::reference_missing) return;
    // What can never be is told before what is only not yet.
    problem.code = code;
    problem.reason = std::move(reason);
    problem.missing.clear();
    return;
  }
  outcome.problems.push_back({writes[write].root, code, std::move(missing), std::move(reason)});
}

PutWork plan_rows(const Compiled& compiled, std::span<const ports::RootWrite> writes,
                  std::vector<const RawRoot*> roots) {
  PutWork work;
  work.writes = writes;
  work.roots = std::move(roots);
  work.root_rows.resize(writes.size());
  work.outcome.hashes.resize(writes.size());
  work.outcome.residues.resize(writes.size());
  RowPlanner planner(compiled, work);
  for (std::size_t i = 0; i < writes.size(); ++i) planner.plan(i);
  return work;
}

Row row_after(const RowWork& work) {
  Row row = work.before;
  row.resize(work.plan->columns.size());
  for (const auto& [column, text] : work.set) row[column] = text.text;
  return row;
}

void tell_hashes(const Compiled& compiled, PutWork& work) {
  for (const RowWork& row : work.rows) {
    if (row.remove) continue;
    const Row after = row_after(row);
    for (const GroupPlan& group : row.plan->groups) {
      const bool written = !row.exists() || std::find(row.groups.begin(), row.groups.end(), &group) != row.groups.end();
      if (!written) continue;
      work.outcome.hashes[row.write][openmrs::group_name(*row.plan, row.key, group)] =
          openmrs::local_hash(group, after, compiled.hash);
    }
  }
}

std::string filler(const openmrs::Column& column) {
  if (column.default_text && !column.default_text->ends_with("()")) return *column.default_text;
  using openmrs::ColumnType;
  switch (column.type) {
    case ColumnType::boolean:
    case ColumnType::integer:
    case ColumnType::real:
    case ColumnType::decimal:
    case ColumnType::bits:
      return "0";
    case ColumnType::date:
      return "0000-00-00";
    case ColumnType::datetime:
      return "0000-00-00 00:00:00";
    case ColumnType::time:
      return "00:00:00";
    default:
      return "";
  }
}

std::optional<Code> unfit(const openmrs::Column& column, std::string_view text) {
  if (column.type != openmrs::ColumnType::text) return std::nullopt;
  std::size_t characters = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80) ++characters;
    const bool four = byte >= 0xF0;
    if (four && column.charset != "utf8mb4") return Code::apply_text_unfit;
    if (byte >= 0x80 && column.charset == "ascii") return Code::apply_text_unfit;
    if (byte >= 0xC4 && column.charset == "latin1") return Code::apply_text_unfit;
  }
  if (column.sql_type.ends_with("text")) {
    const std::size_t most = column.sql_type == "tinytext" ? 255 : column.sql_type == "text" ? 65'535 : 16'777'215;
    return text.size() > most ? std::optional(Code::apply_refused) : std::nullopt;
  }
  const auto open = column.sql_type.find('(');
  std::size_t most = text.size();
  if (open != std::string::npos)
    std::from_chars(column.sql_type.data() + open + 1, column.sql_type.data() + column.sql_type.size(), most);
  return characters > most ? std::optional(Code::apply_refused) : std::nullopt;
}

}  // namespace omrsync::mysql
