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
constexpr std::size_t kNamed = 10;  ///< referring rows of one table that are named

/// The columns that void or retire a row of the table; empty where it has none.
struct LifeColumns {
  const ColumnPlan* flag = nullptr;
  const ColumnPlan* reason = nullptr;
};

LifeColumns life_columns(const TablePlan& plan) {
  const auto any = [&](std::initializer_list<std::string_view> names) -> const ColumnPlan* {
    for (const std::string_view name : names)
      if (const ColumnPlan* column = plan.find_column(name)) return column;
    return nullptr;
  };
  return {any({"voided", "retired"}), any({"void_reason", "retire_reason", "retired_reason"})};
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

/// The first few rows that refer to this one, other than the owned rows of `whole`, which go with it. A key that
/// deletes by itself refers like any other: what would go with the row keeps it.
Result<std::vector<RootKey>> Purger::who_refers(const TablePlan& plan, const std::string& local, const RawRoot* whole) {
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
           quote_text(local) + also + " LIMIT " + std::to_string(kNamed) + ")";
  }
  std::vector<RootKey> referrers;
  if (sql.empty()) return referrers;
  OMRSYNC_TRY(rows, connection_.rows(sql));
  for (const auto& row : rows) {
    RootKey referrer{row[0].value_or(""), row[1].value_or("")};
    if (std::find(referrers.begin(), referrers.end(), referrer) == referrers.end())
      referrers.push_back(std::move(referrer));
  }
  return referrers;
}

Result<std::vector<RootKey>> Purger::who_refers_to_root(const RawRoot& root) {
  OMRSYNC_TRY(referrers, who_refers(*root.plan, local_of(*root.plan, root.row), &root));
  for (const auto& [plan, row] : root.owned) {
    if (!referrers.empty()) break;
    OMRSYNC_TRY(to_owned, who_refers(*plan, local_of(*plan, row), &root));
    referrers = std::move(to_owned);
  }
  return referrers;
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

/// Voids or retires the row, where its table knows that; its hash is told with the others. It says no date and nobody's
/// name, so that nodes that keep it without knowledge of one another write the same.
Status Purger::keep(PutWork& work, std::size_t write, const TablePlan& plan, const Row& before,
                    const std::string& key) {
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
  if (life.reason != nullptr) row.set[life.reason->index].text = std::string(kReason);
  const SqlTable& sql = compiled_.sql(plan);
  std::string set;
  for (const auto& [column, text] : row.set)
    set +=
        (set.empty() ? "" : ", ") + sql.names[column] + " = " + literal(sql.kinds[column], *text.text).value_or("NULL");
  OMRSYNC_CHECK(connection_.execute("UPDATE " + sql.name + " SET " + set + where_row(sql, row)));
  work.rows.push_back(std::move(row));
  return Done{};
}

Status Purger::purge(PutWork& work) {
  std::vector<std::size_t> waiting = work.purges;
  std::stable_sort(waiting.begin(), waiting.end(), [&](std::size_t a, std::size_t b) {
    return work.roots[a]->plan->number > work.roots[b]->plan->number;
  });
  std::map<std::size_t, std::vector<RootKey>> in_the_way;
  for (bool moved = true; moved && !waiting.empty();) {
    moved = false;
    for (const std::size_t write : std::vector<std::size_t>(waiting)) {
      const RawRoot& root = *work.roots[write];
      OMRSYNC_TRY(referrers, who_refers_to_root(root));
      in_the_way[write] = std::move(referrers);
      if (!in_the_way[write].empty() || root.plan->table->name == "users" || root.by_alias()) continue;
      OMRSYNC_TRY(deleted, delete_root(root));
      if (deleted) std::erase(waiting, write);
      moved = moved || deleted;
    }
  }
  for (const std::size_t write : waiting) {
    // A row that only stands for the purged one is not the purged one.
    if (work.roots[write]->by_alias()) continue;
    const RawRoot& root = *work.roots[write];
    const RootKey& named = work.writes[write].root;
    std::vector<RootKey>& others = in_the_way[write];
    if (others.empty()) others.push_back(named);
    for (const RootKey& other : others)
      work.outcome.notices.push_back({ports::PutNotice::Kind::dangling_parent, named, other});
    OMRSYNC_CHECK(keep(work, write, *root.plan, root.row, named.key));
  }
  return Done{};
}

Status Purger::remove_owned(PutWork& work) {
  std::vector<std::size_t> waiting;
  for (std::size_t i = 0; i < work.rows.size(); ++i)
    if (work.rows[i].remove && work.rows[i].exists()) waiting.push_back(i);
  std::stable_sort(waiting.begin(), waiting.end(),
                   [&](std::size_t a, std::size_t b) { return work.rows[a].plan->number > work.rows[b].plan->number; });
  std::map<std::size_t, RootKey> in_the_way;
  for (bool moved = true; moved && !waiting.empty();) {
    moved = false;
    for (const std::size_t index : std::vector<std::size_t>(waiting)) {
      const RowWork& row = work.rows[index];
      OMRSYNC_TRY(referrers, who_refers(*row.plan, row.local, nullptr));
      if (!referrers.empty()) {
        in_the_way[index] = referrers.front();
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
