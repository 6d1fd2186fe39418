#include "adapters/mysql/unit_of_work_purge.h"

#include <algorithm>
#include <map>

#include "adapters/mysql/unit_of_work_write.h"

namespace omrsync::mysql {
namespace {

using openmrs::ColumnPlan;
using openmrs::Table;
using openmrs::TablePlan;

constexpr std::string_view kReason = "purged elsewhere, kept because other rows refer to it";

/// The columns that void or retire a row of the table; empty where it has none.
struct LifeColumns {
  const ColumnPlan* flag = nullptr;
  const ColumnPlan* date = nullptr;
  const ColumnPlan* reason = nullptr;
};

LifeColumns life_columns(const TablePlan& plan) {
  const auto any = [&](std::initializer_list<std::string_view> names) -> const ColumnPlan* {
    for (const std::string_view name : names)
      if (const ColumnPlan* column = plan.find_column(name)) return column;
    return nullptr;
  };
  return {any({"voided", "retired"}), any({"date_voided", "date_retired"}),
          any({"void_reason", "retire_reason", "retired_reason"})};
}

std::vector<const openmrs::GroupPlan*> groups_with(const TablePlan& plan, const LifeColumns& life) {
  std::vector<const openmrs::GroupPlan*> groups;
  for (const openmrs::GroupPlan& group : plan.groups)
    if (std::find(group.columns.begin(), group.columns.end(), life.flag) != group.columns.end())
      groups.push_back(&group);
  return groups;
}

std::string local_of(const TablePlan& plan, const Row& row) {
  return std::string(openmrs::local_key(plan, row).value_or(""));
}

}  // namespace

std::vector<Purger::Referrer> Purger::referrers_of(const TablePlan& plan) const {
  std::vector<Referrer> referrers;
  for (const auto& [name, table] : compiled_.plans.model().schema)
    for (const openmrs::Column& column : table.columns)
      if (column.references == plan.table->name && column.enforced) referrers.push_back({&table, &column});
  return referrers;
}

/// One row that refers to this one, other than the owned rows of `whole`, which go with it.
Result<std::optional<RootKey>> Purger::who_refers(const TablePlan& plan, const std::string& local,
                                                  const RawRoot* whole) {
  std::string sql;
  for (const Referrer& each : referrers_of(plan)) {
    const TablePlan* child = compiled_.plans.find(each.table->name);
    const bool inside = whole != nullptr && child != nullptr && !child->is_root() && child->root_plan == whole->plan;
    std::string also;
    if (inside && child->part->owner_column == each.column->name) continue;
    if (inside) also = " AND " + quote_identifier(child->part->owner_column) + " <> " + std::to_string(whole->local_id);
    if (child == &plan) {
      for (const std::string& key : each.table->primary_key)
        also += " AND " + quote_identifier(key) + " <> " + quote_text(local);
    }
    const std::string uuid = each.table->has_uuid ? "uuid" : "''";
    sql += (sql.empty() ? "(SELECT " : " UNION ALL (SELECT ") + quote_text(each.table->name) + ", " + uuid + " FROM " +
           quote_identifier(each.table->name) + " WHERE " + quote_identifier(each.column->name) + " = " +
           quote_text(local) + also + " LIMIT 1)";
  }
  if (sql.empty()) return std::optional<RootKey>{};
  OMRSYNC_TRY(rows, connection_.rows(sql + " LIMIT 1"));
  if (rows.empty()) return std::optional<RootKey>{};
  return std::optional<RootKey>(RootKey{rows[0][0].value_or(""), rows[0][1].value_or("")});
}

Result<std::optional<RootKey>> Purger::who_refers_to_root(const RawRoot& root) {
  OMRSYNC_TRY(to_root, who_refers(*root.plan, local_of(*root.plan, root.row), &root));
  if (to_root) return to_root;
  for (const auto& [plan, row] : root.owned) {
    OMRSYNC_TRY(to_owned, who_refers(*plan, local_of(*plan, row), &root));
    if (to_owned) return to_owned;
  }
  return std::optional<RootKey>{};
}

/// False, and nothing was deleted: something refers to it after all (a row that refers to itself, or a newer one).
Result<bool> Purger::delete_root(const RawRoot& root) {
  std::vector<RowWork> rows;
  const auto add = [&](const TablePlan& plan, const Row& row) {
    RowWork& work = rows.emplace_back();
    work.plan = &plan;
    work.before = row;
    work.local = local_of(plan, row);
  };
  add(*root.plan, root.row);
  for (const auto& [plan, row] : root.owned) add(*plan, row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const RowWork& a, const RowWork& b) { return a.plan->number > b.plan->number; });
  OMRSYNC_CHECK(connection_.execute("SAVEPOINT one_root"));
  for (const RowWork& row : rows) {
    OMRSYNC_TRY(deleted, delete_row(row));
    if (deleted) continue;
    OMRSYNC_CHECK(connection_.execute("ROLLBACK TO SAVEPOINT one_root"));
    return false;
  }
  return true;
}

Result<bool> Purger::delete_row(const RowWork& row) {
  const SqlTable& sql = compiled_.sql(*row.plan);
  const auto deleted = connection_.execute("DELETE FROM " + sql.name + where_row(sql, row));
  if (deleted) return true;
  if (connection_.last_error() == 1451) return false;
  return deleted.error();
}

/// Voids or retires the row, where its table knows that; its hash is told with the others.
Status Purger::keep(PutWork& work, std::size_t write, const TablePlan& plan, const Row& before, const std::string& key) {
  const LifeColumns life = life_columns(plan);
  if (life.flag == nullptr || before[life.flag->index] == "1") return Done{};
  RowWork row;
  row.write = write;
  row.plan = &plan;
  row.key = key;
  row.before = before;
  row.local = local_of(plan, before);
  row.groups = groups_with(plan, life);
  row.set[life.flag->index].text = "1";
  OMRSYNC_TRY(time, connection_.value("SELECT UTC_TIMESTAMP()"));
  if (life.date != nullptr) row.set[life.date->index].text = time;
  if (life.reason != nullptr) row.set[life.reason->index].text = std::string(kReason);
  const SqlTable& sql = compiled_.sql(plan);
  std::string set;
  for (const auto& [column, text] : row.set)
    set += (set.empty() ? "" : ", ") + sql.names[column] + " = " + literal(sql.kinds[column], *text.text).value_or("NULL");
  OMRSYNC_CHECK(connection_.execute("UPDATE " + sql.name + " SET " + set + where_row(sql, row)));
  work.rows.push_back(std::move(row));
  return Done{};
}

Status Purger::purge(PutWork& work) {
  std::vector<std::size_t> waiting = work.purges;
  std::stable_sort(waiting.begin(), waiting.end(), [&](std::size_t a, std::size_t b) {
    return work.roots[a]->plan->number > work.roots[b]->plan->number;
  });
  std::map<std::size_t, RootKey> in_the_way;
  for (bool moved = true; moved && !waiting.empty();) {
    moved = false;
    for (const std::size_t write : std::vector<std::size_t>(waiting)) {
      const RawRoot& root = *work.roots[write];
      std::optional<RootKey> other;
      if (root.plan->table->name == "users" || root.by_alias()) {
        other = RootKey{root.plan->table->name, root.key};
      } else {
        OMRSYNC_TRY(found, who_refers_to_root(root));
        other = std::move(found);
      }
      if (other) {
        in_the_way[write] = *other;
        continue;
      }
      OMRSYNC_TRY(deleted, delete_root(root));
      if (!deleted) in_the_way[write] = RootKey{root.plan->table->name, root.key};
      if (deleted) std::erase(waiting, write);
      moved = moved || deleted;
    }
  }
  for (const std::size_t write : waiting) {
    // A row that only stands for the purged one is not the purged one.
    if (work.roots[write]->by_alias()) continue;
    const RawRoot& root = *work.roots[write];
    const RootKey& named = work.writes[write].root;
    work.outcome.notices.push_back({ports::PutNotice::Kind::dangling_parent, named, in_the_way[write]});
    OMRSYNC_CHECK(keep(work, write, *root.plan, root.row, named.key));
  }
  return Done{};
}

Status Purger::remove_owned(PutWork& work) {
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0; i < work.rows.size(); ++i)
    if (work.rows[i].remove && work.rows[i].exists()) waiting.push_back(i);
  std::stable_sort(waiting.begin(), waiting.end(), [&](std::size_t a, std::size_t b) {
    return work.rows[a].plan->number > work.rows[b].plan->number;
  });
  std::map<std::size_t, RootKey> in_the_way;
  for (bool moved = true; moved && !waiting.empty();) {
    moved = false;
    for (const std::size_t index : std::vector<std::size_t>(waiting)) {
      const RowWork& row = work.rows[index];
      OMRSYNC_TRY(other, who_refers(*row.plan, row.local, nullptr));
      if (other) {
        in_the_way[index] = *other;
        continue;
      }
      OMRSYNC_TRY(deleted, delete_row(row));
      if (!deleted) in_the_way[index] = RootKey{row.plan->table->name, row.key};
      if (deleted) std::erase(waiting, index);
      moved = moved || deleted;
    }
  }
  for (const std::size_t index : waiting) {
    const RowWork row = work.rows[index];
    work.outcome.notices.push_back(
        {ports::PutNotice::Kind::dangling_parent, {row.plan->table->name, row.key}, in_the_way[index]});
    OMRSYNC_CHECK(keep(work, row.write, *row.plan, row.before, row.key));
  }
  return Done{};
}

}  // namespace omrsync::mysql
