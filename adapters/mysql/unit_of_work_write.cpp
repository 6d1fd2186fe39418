#include "adapters/mysql/unit_of_work_write.h"

#include <algorithm>
#include <set>

namespace omrsync::mysql {
namespace {

using openmrs::ColumnPlan;
using openmrs::Identity;
using openmrs::TablePlan;

constexpr std::size_t kRowsPerInsert = 500;

/// The key by which other rows name this one.
const std::string& reference_key(const PutWork& work, const RowWork& row) {
  return row.plan->part->identity == Identity::owner ? work.writes[row.write].root.key : row.key;
}

std::string sql_text(const SqlTable& sql, std::size_t column, const Cell& text) {
  if (!text) return "NULL";
  return literal(sql.kinds[column], *text).value_or("NULL");
}

/// The row is said to be gone, or its text is not what a column of it can hold: nothing to be tried again.
bool is_about_rows(const Error& error) {
  return error.remedy == Remedy::set_aside &&
         (error.code == Code::db_constraint || error.code == Code::apply_text_unfit);
}

}  // namespace

std::string where_row(const SqlTable& sql, const RowWork& row) {
  const TablePlan& plan = *sql.plan;
  if (plan.local && !row.local.empty())
    return " WHERE " + sql.names[*plan.local] + " = " + sql_text(sql, *plan.local, row.local);
  const auto text_of = [&](std::size_t column) {
    if (row.exists()) return row.before[column];
    const auto set = row.set.find(column);
    return set == row.set.end() ? Cell{} : set->second.text;
  };
  std::vector<std::size_t> columns = plan.key;
  if (plan.part->identity == Identity::uuid) columns = {*plan.uuid};
  if (plan.owner) columns.push_back(*plan.owner);
  std::string where;
  for (const std::size_t column : columns)
    where +=
        (where.empty() ? " WHERE " : " AND ") + sql.names[column] + " <=> " + sql_text(sql, column, text_of(column));
  return where;
}

RowWork* RowWriter::coming(PutWork& work, const TablePlan& target, std::string_view key) const {
  const auto found = coming_.find({target.number, std::string(key)});
  return found == coming_.end() ? nullptr : &work.rows[found->second];
}

Status RowWriter::resolve(PutWork& work) {
  coming_.clear();
  for (std::size_t i = 0; i < work.rows.size(); ++i)
    if (work.rows[i].inserts())
      coming_.emplace(std::pair(work.rows[i].plan->number, reference_key(work, work.rows[i])), i);
  std::vector<openmrs::Wanted> wanted;
  for (const RowWork& row : work.rows)
    for (const auto& [column, text] : row.set)
      if (text.target != nullptr && coming(work, *text.target, text.key) == nullptr)
        wanted.push_back({text.target, text.key});
  OMRSYNC_CHECK(references_.find_locals(connection_, std::move(wanted)));
  for (RowWork& row : work.rows) {
    std::vector<RootKey> missing;
    for (auto& [column, text] : row.set) {
      if (text.target == nullptr || row.remove || coming(work, *text.target, text.key) != nullptr) continue;
      if (const auto local = references_.local_of(*text.target, text.key))
        text.text = std::string(*local);
      else
        missing.push_back({text.target->key_holder->table->name, text.key});
    }
    if (!missing.empty())
      work.refuse(row.write, Code::reference_missing, "it refers to rows that are not here", std::move(missing));
  }
  return Done{};
}

Status RowWriter::insert(PutWork& work) {
  std::map<std::size_t, Rows> by_table;
  for (RowWork& row : work.rows)
    if (row.inserts()) by_table[row.plan->number].push_back(&row);
  for (auto& [number, rows] : by_table) {
    OMRSYNC_CHECK(insert_table(work, *compiled_.plans.all()[number], std::move(rows)));
    if (!work.outcome.problems.empty()) return Done{};
  }
  return Done{};
}

/// Rows that wait for others of the same table come after them; a cycle is broken and closed by `update`.
Status RowWriter::insert_table(PutWork& work, const TablePlan& plan, Rows rows) {
  while (!rows.empty() && work.outcome.problems.empty()) {
    Rows ready;
    for (RowWork* row : rows)
      if (!waits_here(work, *row) && !waits_hard(work, *row)) ready.push_back(row);
    if (ready.empty())
      for (RowWork* row : rows)
        if (!waits_hard(work, *row)) ready.push_back(row);
    if (ready.empty()) {
      OMRSYNC_CHECK(break_cycle(work, *rows.front()));
      ready.push_back(rows.front());
    }
    for (RowWork* row : ready) settle_texts(work, *row);
    for (std::size_t at = 0; at < ready.size() && work.outcome.problems.empty(); at += kRowsPerInsert) {
      const std::size_t end = std::min(ready.size(), at + kRowsPerInsert);
      OMRSYNC_CHECK(insert_rows(
          work, plan,
          Rows(ready.begin() + static_cast<std::ptrdiff_t>(at), ready.begin() + static_cast<std::ptrdiff_t>(end))));
    }
    for (RowWork* row : ready) row->done = true;
    std::erase_if(rows, [](const RowWork* row) { return row->done; });
  }
  return Done{};
}

bool RowWriter::waits_here(PutWork& work, const RowWork& row) const {
  return std::any_of(row.set.begin(), row.set.end(), [&](const auto& each) {
    if (each.second.target != row.plan || each.second.text || each.second.later) return false;
    const RowWork* other = coming(work, *each.second.target, each.second.key);
    return other != nullptr && !other->done && other != &row;
  });
}

bool RowWriter::waits_hard(PutWork& work, const RowWork& row) const {
  return std::any_of(row.set.begin(), row.set.end(), [&](const auto& each) {
    if (each.second.target == nullptr || each.second.text || each.second.later) return false;
    if (row.plan->columns[each.first].column->nullable) return false;
    const RowWork* other = coming(work, *each.second.target, each.second.key);
    return other != nullptr && !other->done;
  });
}

/// NOT NULL references that no order satisfies: they name any row of the target's table at first, or the row itself.
Status RowWriter::break_cycle(PutWork& work, RowWork& row) {
  for (auto& [column, text] : row.set) {
    if (text.target == nullptr || text.text || row.plan->columns[column].column->nullable) continue;
    const RowWork* other = coming(work, *text.target, text.key);
    if (other == nullptr || other->done) continue;
    const SqlTable& sql = compiled_.sql(*text.target);
    if (!text.target->local) return Error{Remedy::set_aside, Code::db_constraint, "rows refer to one another"};
    const std::string& number = sql.names[*text.target->local];
    OMRSYNC_TRY(any, connection_.value("SELECT MIN(" + number + ") FROM " + sql.name));
    if (!any && text.target == row.plan) {
      if (row.local.empty()) row.local = "1";
      any = row.local;
    }
    if (!any) {
      work.refuse(row.write, Code::db_constraint, "rows refer to one another and none can be first");
      return Done{};
    }
    text.text = *any;
    text.later = other != &row || *any != row.local;
  }
  return Done{};
}

/// Fills in the numbers of rows that are there by now; what comes later is set in the second pass.
void RowWriter::settle_texts(PutWork& work, RowWork& row) {
  if (row.owner) row.set[*row.plan->owner].text = work.rows[*row.owner].local;
  for (auto& [column, text] : row.set) {
    if (text.target == nullptr || text.text) continue;
    const RowWork* other = coming(work, *text.target, text.key);
    if (other != nullptr && other->done && !other->local.empty())
      text.text = other->local;
    else if (other != nullptr)
      text.later = true;
  }
  if (row.local.empty() && row.plan->local) {
    const auto set = row.set.find(*row.plan->local);
    if (set != row.set.end() && set->second.text) row.local = *set->second.text;
  } else if (row.local.empty() && row.plan->key.size() == 1) {
    row.local = row.set[row.plan->key.front()].text.value_or("");
  }
}

std::string RowWriter::insert_sql(const TablePlan& plan, const Rows& rows) const {
  const SqlTable& sql = compiled_.sql(plan);
  std::vector<std::size_t> columns;
  for (const ColumnPlan& column : plan.columns) {
    const bool numbered = plan.local == column.index && rows.front()->local.empty();
    const bool used = std::any_of(rows.begin(), rows.end(), [&](const RowWork* row) {
      const auto set = row->set.find(column.index);
      if (set == row->set.end()) return plan.local == column.index;
      return set->second.text || column.column->default_text;  // left out, it would get its default and not NULL
    });
    if (used && !numbered) columns.push_back(column.index);
  }
  std::string text = "INSERT INTO " + sql.name + " (";
  for (std::size_t i = 0; i < columns.size(); ++i) text.append(i == 0 ? "" : ",").append(sql.names[columns[i]]);
  text += ") VALUES ";
  for (const RowWork* row : rows) {
    text += row == rows.front() ? "(" : ",(";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i != 0) text += ',';
      const auto set = row->set.find(columns[i]);
      if (plan.local == columns[i])
        text += sql_text(sql, columns[i], row->local);
      else
        text += set == row->set.end() ? "NULL" : sql_text(sql, columns[i], set->second.text);
    }
    text += ')';
  }
  return text;
}

Status RowWriter::insert_rows(PutWork& work, const TablePlan& plan, const Rows& rows) {
  const bool by_hand = plan.local && !plan.columns[*plan.local].column->auto_increment;
  if (by_hand && plan.columns[*plan.local].target == nullptr && !plan.owner) {
    // A key that nobody gives out: the next free one. Somebody who takes it meanwhile makes us begin anew.
    const SqlTable& sql = compiled_.sql(plan);
    OMRSYNC_TRY(last, connection_.value("SELECT COALESCE(MAX(" + sql.names[*plan.local] + "), 0) FROM " + sql.name));
    std::uint64_t next = last ? std::strtoull(last->c_str(), nullptr, 10) : 0;
    for (RowWork* row : rows)
      if (row->local.empty()) row->local = std::to_string(++next);
  }
  Rows numbered;
  Rows counted;
  for (RowWork* row : rows) (row->local.empty() || !plan.local ? counted : numbered).push_back(row);
  for (const Rows* part : {&numbered, &counted}) {
    if (part->empty()) continue;
    OMRSYNC_CHECK(run(work, *part, [&](const Rows& some) { return insert_sql(plan, some); }));
  }
  if (!work.outcome.problems.empty()) return Done{};
  return learn_locals(work, plan, counted);
}

/// Local numbers of inserted rows that others name, that own rows, or that are updated later.
Status RowWriter::learn_locals(PutWork& work, const TablePlan& plan, const Rows& rows) {
  if (!plan.local || !plan.uuid) return Done{};
  std::set<const RowWork*> named;
  for (const RowWork& row : work.rows) {
    if (row.owner) named.insert(&work.rows[*row.owner]);
    for (const auto& [column, text] : row.set) {
      if (text.later) named.insert(&row);
      if (text.target == &plan) named.insert(coming(work, plan, text.key));
    }
  }
  std::map<std::string, RowWork*> by_uuid;
  std::vector<std::string_view> uuids;
  for (RowWork* row : rows) {
    if (!named.contains(row)) continue;
    uuids.push_back(*row->set[*plan.uuid].text);
    by_uuid.emplace(row->key, row);
  }
  const SqlTable& sql = compiled_.sql(plan);
  return in_chunks(uuids, [&](std::span<const std::string_view> chunk) {
    const std::string query = "SELECT LOWER(uuid), " + sql.names[*plan.local] + " FROM " + sql.name +
                              " WHERE uuid IN " + in_list(ValueKind::text, chunk);
    return connection_.query(query, [&](std::span<const Cell> cells) {
      const auto row = by_uuid.find(cells[0].value_or(""));
      if (row != by_uuid.end()) row->second->local = cells[1].value_or("");
      return true;
    });
  });
}

std::string RowWriter::update_sql(const RowWork& row) const {
  const SqlTable& sql = compiled_.sql(*row.plan);
  std::string set;
  for (const auto& [column, text] : row.set) {
    const bool differs = row.exists() ? row.before[column] != text.text : text.later;
    if (differs) set += (set.empty() ? "" : ", ") + sql.names[column] + " = " + sql_text(sql, column, text.text);
  }
  return set.empty() ? set : "UPDATE " + sql.name + " SET " + set + where_row(sql, row);
}

Status RowWriter::update(PutWork& work) {
  std::vector<RowWork*> rows;
  for (RowWork& row : work.rows) {
    if (row.remove) continue;
    bool needed = row.exists();
    for (auto& [column, text] : row.set) {
      needed = needed || text.later;
      const RowWork* other = text.target == nullptr ? nullptr : coming(work, *text.target, text.key);
      if (other != nullptr && (!text.text || text.later)) text.text = other->local;
    }
    if (needed) rows.push_back(&row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const RowWork* a, const RowWork* b) { return a->plan->number < b->plan->number; });
  for (RowWork* row : rows) {
    const std::string statement = update_sql(*row);
    if (statement.empty()) continue;
    OMRSYNC_CHECK(run(work, {row}, [&](const Rows&) { return statement; }));
    if (!work.outcome.problems.empty()) return Done{};
  }
  return Done{};
}

/// A row whose natural key was changed is one root that goes and one that comes.
bool RowWriter::take_over_purged(PutWork& work, RowWork& row) {
  const std::size_t uuid = *row.plan->uuid;
  for (const std::size_t write : work.purges) {
    const RawRoot& root = *work.roots[write];
    if (root.plan != row.plan || root.row[uuid] != row.set[uuid].text) continue;
    row.before = root.row;
    row.local = openmrs::local_key(*row.plan, row.before).value_or("");
    std::erase(work.purges, write);
    return true;
  }
  return false;
}

/// An owned row that is there under another owner moves to this one, as it did where it came from.
Result<bool> RowWriter::adopt(PutWork& work, RowWork& row) {
  const TablePlan& plan = *row.plan;
  if (plan.part->identity == Identity::natural && plan.is_root() && plan.uuid) return take_over_purged(work, row);
  if (plan.is_root() || plan.part->identity != Identity::uuid) return false;
  const SqlTable& sql = compiled_.sql(plan);
  OMRSYNC_TRY(found, connection_.rows("SELECT " + sql.select + " FROM " + sql.name +
                                      " WHERE uuid = " + quote_text(row.key) + " FOR UPDATE"));
  if (found.empty()) return false;
  for (RowWork& other : work.rows)
    if (other.plan == &plan && other.key == row.key && other.remove) other.before.clear();
  row.before = std::move(found.front());
  to_canonical(sql, row.before);
  row.local = openmrs::local_key(plan, row.before).value_or("");
  return true;
}

/// Runs one statement for many rows. Where the server refuses it, each row alone shows which are to blame.
Status RowWriter::run(PutWork& work, const Rows& rows, const std::function<std::string(const Rows&)>& sql_for) {
  const auto done = connection_.execute(sql_for(rows));
  if (done) return Done{};
  if (!is_about_rows(done.error())) return done.error();
  for (RowWork* row : rows) {
    OMRSYNC_CHECK(connection_.execute("SAVEPOINT one_row"));
    const auto alone = rows.size() == 1 ? done : connection_.execute(sql_for({row}));
    if (alone) continue;
    if (!is_about_rows(alone.error())) return alone.error();
    if (connection_.last_error() == 1062 && row->inserts()) {
      OMRSYNC_TRY(adopted, adopt(work, *row));
      if (adopted) continue;
    }
    target_gone_ = target_gone_ || connection_.last_error() == 1452;
    work.refuse(row->write, alone.error().code, "table " + row->plan->table->name + ": " + alone.error().message);
    OMRSYNC_CHECK(connection_.execute("ROLLBACK TO SAVEPOINT one_row"));
  }
  return Done{};
}

}  // namespace omrsync::mysql
