#include "adapters/mysql/unit_of_work_names.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "adapters/mysql/unit_of_work_write.h"
#include "adapters/openmrs/fold.h"
#include "protocol/cells.h"

namespace omrsync::mysql {
namespace {

using openmrs::ColumnPlan;
using openmrs::TablePlan;
using Notice = ports::PutNotice::Kind;

/// What makes two types of one name different things.
const ColumnPlan* kind_column(const TablePlan& plan) {
  for (const std::string_view name : {"datatype", "format", "java_class_name"})
    if (const ColumnPlan* column = plan.find_column(name)) return column;
  return nullptr;
}

/// Unique keys beside the uuid, as places of columns.
std::vector<std::vector<std::size_t>> unique_keys(const TablePlan& plan) {
  std::vector<std::vector<std::size_t>> keys;
  for (const std::vector<std::string>& names : plan.table->unique_keys) {
    std::vector<std::size_t> key;
    for (const std::string& name : names)
      if (const ColumnPlan* column = plan.find_column(name)) key.push_back(column->index);
    const bool identity = std::all_of(key.begin(), key.end(), [&](std::size_t column) {
      return plan.uuid == column || plan.owner == column ||
             std::find(plan.key.begin(), plan.key.end(), column) != plan.key.end();
    });
    if (!identity && key.size() == names.size()) keys.push_back(std::move(key));
  }
  return keys;
}

Cell text_after(const RowWork& row, std::size_t column) {
  const auto set = row.set.find(column);
  if (set != row.set.end()) return set->second.text;
  return row.exists() ? row.before[column] : Cell{};
}

/// The key's texts as the row will have them; nothing where one is NULL, or none of them changes.
std::optional<std::vector<std::string>> new_texts(const RowWork& row, const std::vector<std::size_t>& key) {
  std::vector<std::string> texts;
  bool changes = !row.exists();
  for (const std::size_t column : key) {
    const Cell text = text_after(row, column);
    if (!text) return std::nullopt;
    texts.push_back(*text);
    changes = changes || row.before[column] != text;
  }
  if (!changes) return std::nullopt;
  return texts;
}

bool same_name(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const std::string& x, const std::string& y) {
    return openmrs::fold_name(x) == openmrs::fold_name(y);
  });
}

RowWork* row_with_local(PutWork& work, const TablePlan& plan, const std::string& local) {
  for (RowWork& row : work.rows)
    if (row.plan == &plan && row.exists() && row.local == local) return &row;
  return nullptr;
}

bool is_core_user(std::string_view name) {
  const std::string folded = openmrs::fold_name(name);
  return folded == "admin" || folded == "daemon";
}

}  // namespace

Status NameKeeper::settle(PutWork& work) {
  std::map<std::size_t, std::vector<RowWork*>> by_table;
  for (RowWork& row : work.rows)
    if (!row.remove) by_table[row.plan->number].push_back(&row);
  for (const auto& [number, rows] : by_table) {
    const TablePlan& plan = *compiled_.plans.all()[number];
    if (plan.table->name == "users") {
      OMRSYNC_CHECK(settle_users(work, plan, rows));
    }
    for (const Key& key : unique_keys(plan)) OMRSYNC_CHECK(settle_key(work, plan, key, rows));
  }
  return Done{};
}

Result<std::vector<NameKeeper::Holder>> NameKeeper::holders(const TablePlan& plan, const Key& key,
                                                            const std::vector<std::vector<std::string>>& wanted) {
  const SqlTable& sql = compiled_.sql(plan);
  std::string where;
  for (const std::vector<std::string>& texts : wanted) {
    std::string all;
    for (std::size_t i = 0; i < key.size(); ++i)
      all +=
          (i == 0 ? "" : " AND ") + sql.names[key[i]] + " = " + literal(sql.kinds[key[i]], texts[i]).value_or("NULL");
    where += (where.empty() ? " WHERE (" : " OR (") + all + ")";
  }
  const ColumnPlan* kind = kind_column(plan);
  std::string select = plan.local ? sql.names[*plan.local] : sql.names[key.front()];
  select += plan.uuid ? ", LOWER(uuid)" : ", ''";
  select += kind == nullptr ? ", ''" : ", " + sql.names[kind->index];
  for (const std::size_t column : key) select += ", " + sql.names[column];
  std::vector<Holder> found;
  OMRSYNC_CHECK(connection_.query("SELECT " + select + " FROM " + sql.name + where, [&](std::span<const Cell> row) {
    Holder& holder = found.emplace_back();
    holder.local = row[0].value_or("");
    holder.uuid = row[1].value_or("");
    holder.kind = row[2].value_or("");
    for (std::size_t i = 3; i < row.size(); ++i) holder.texts.push_back(row[i].value_or(""));
    return true;
  }));
  return found;
}

Status NameKeeper::settle_key(PutWork& work, const TablePlan& plan, const Key& key, const std::vector<RowWork*>& rows) {
  std::vector<std::pair<RowWork*, std::vector<std::string>>> asking;
  std::vector<std::vector<std::string>> wanted;
  for (RowWork* row : rows)
    if (auto texts = new_texts(*row, key)) {
      wanted.push_back(*texts);
      asking.emplace_back(row, std::move(*texts));
    }
  if (asking.empty()) return Done{};
  OMRSYNC_TRY(found, holders(plan, key, wanted));
  for (auto& [row, texts] : asking)
    for (const Holder& holder : found) {
      if (!same_name(texts, holder.texts) || (row->exists() && row->local == holder.local)) continue;
      RowWork* other = row_with_local(work, plan, holder.local);
      const auto others = other == nullptr ? std::nullopt : new_texts(*other, key);
      const bool moves = others && !same_name(*others, holder.texts);
      OMRSYNC_CHECK(moves ? free_name(*other, key) : taken(work, *row, key, holder));
    }
  return Done{};
}

/// The row that has the name gets another one in the same put: it gives up the old one first.
Status NameKeeper::free_name(RowWork& holder, const Key& key) {
  const SqlTable& sql = compiled_.sql(*holder.plan);
  const auto text = std::find_if(key.begin(), key.end(), [&](std::size_t column) {
    return holder.plan->columns[column].column->type == openmrs::ColumnType::text;
  });
  if (text == key.end()) return Done{};
  const std::string between = "~" + holder.local;
  if (holder.before[*text] == between) return Done{};
  OMRSYNC_CHECK(connection_.execute("UPDATE " + sql.name + " SET " + sql.names[*text] + " = " + quote_text(between) +
                                    where_row(sql, holder)));
  holder.before[*text] = between;
  return Done{};
}

Status NameKeeper::taken(PutWork& work, RowWork& row, const Key& key, const Holder& holder) {
  const TablePlan& plan = *row.plan;
  if (plan.table->name == "users") return taken_user(work, row, holder);
  const bool metadata = plan.is_root() && plan.root->kind == ports::RootTable::Class::metadata;
  const bool nullable = plan.table->name == "concept_reference_source";
  const ColumnPlan* kind = kind_column(plan);
  const bool same_kind = kind == nullptr || text_after(row, kind->index).value_or("") == holder.kind;
  if (metadata && nullable) {
    const ColumnPlan* name = plan.find_column("name");
    OMRSYNC_TRY(theirs, connection_.value("SELECT name FROM " + compiled_.sql(plan).name +
                                          " WHERE uuid = " + quote_text(holder.uuid)));
    const bool same = name != nullptr && openmrs::fold_name(text_after(row, name->index).value_or("")) ==
                                             openmrs::fold_name(theirs.value_or(""));
    if (!same || row.exists()) {
      work.outcome.notices.push_back(
          {Notice::name_taken, work.writes[row.write].root, {plan.table->name, holder.uuid}});
      go_without(work, row, key.front(), Cell{});
      return Done{};
    }
  }
  if (metadata && !row.exists() && !holder.uuid.empty()) {
    if (!same_kind) {
      work.refuse(row.write, Code::mapping_alias_unsure,
                  "table " + plan.table->name + " has a row of that name and of another kind");
      return Done{};
    }
    aliases_.emplace_back(row.write, holder.uuid);
    return Done{};
  }
  work.refuse(row.write, Code::apply_name_taken, "table " + plan.table->name + " has another row of that name");
  return Done{};
}

/// OpenMRS takes a user's name from either column, so neither may equal either of another user.
Status NameKeeper::settle_users(PutWork& work, const TablePlan& plan, const std::vector<RowWork*>& rows) {
  const ColumnPlan* username = plan.find_column("username");
  const ColumnPlan* system_id = plan.find_column("system_id");
  if (username == nullptr || system_id == nullptr) return Done{};
  for (RowWork* row : rows)
    for (const ColumnPlan* mine : {system_id, username}) {
      const auto texts = new_texts(*row, {mine->index});
      if (!texts || texts->front().empty()) continue;
      for (const ColumnPlan* theirs : {system_id, username}) {
        OMRSYNC_TRY(found, holders(plan, {theirs->index}, {*texts}));
        for (const Holder& holder : found) {
          if (row->exists() && row->local == holder.local) continue;
          const RowWork* other = row_with_local(work, plan, holder.local);
          if (other != nullptr && !same_name({text_after(*other, theirs->index).value_or("")}, *texts)) continue;
          OMRSYNC_CHECK(taken_user(work, *row, holder));
        }
      }
    }
  return Done{};
}

Status NameKeeper::taken_user(PutWork& work, RowWork& row, const Holder& holder) {
  const TablePlan& plan = *row.plan;
  const ColumnPlan& system_id = *plan.find_column("system_id");
  const Cell name = text_after(row, system_id.index);
  const bool listed =
      std::any_of(aliases_.begin(), aliases_.end(), [&](const auto& a) { return a.first == row.write; });
  if (listed) return Done{};
  if (!row.exists() && name && is_core_user(*name) && is_core_user(holder.texts.front())) {
    aliases_.emplace_back(row.write, holder.uuid);
    return Done{};
  }
  const RootKey& root = work.writes[row.write].root;
  const bool told = std::any_of(work.outcome.notices.begin(), work.outcome.notices.end(), [&](const auto& notice) {
    return notice.kind == Notice::name_taken && notice.root == root;
  });
  if (!told) work.outcome.notices.push_back({Notice::name_taken, root, {plan.table->name, holder.uuid}});
  for (const std::string_view column : {"username", "email"})
    if (const ColumnPlan* each = plan.find_column(column); each != nullptr && text_after(row, each->index))
      go_without(work, row, each->index, Cell{});
  if (name && !name->ends_with("@" + site_)) go_without(work, row, system_id.index, *name + "@" + site_);
  return Done{};
}

/// The column gets `instead`; what it should have is kept as residue.
void NameKeeper::go_without(PutWork& work, RowWork& row, std::size_t column, const Cell& instead) {
  const Cell text = text_after(row, column);
  if (!text) return;
  const std::string& name = row.plan->columns[column].column->name;
  for (const openmrs::GroupPlan& group : row.plan->groups) {
    const bool has = std::any_of(group.columns.begin(), group.columns.end(),
                                 [&](const ColumnPlan* each) { return each->index == column; });
    if (!has) continue;
    GroupValue& residue = work.outcome.residues[row.write][openmrs::group_name(*row.plan, row.key, group)];
    residue = merge_cells(residue, encode_cells({{name, *text}}));
  }
  row.set[column] = NewText{instead, nullptr, {}, false};
}

Status NameKeeper::note_identifiers(PutWork& work) {
  const TablePlan* plan = compiled_.plans.find("patient_identifier");
  const ColumnPlan* identifier = plan == nullptr ? nullptr : plan->find_column("identifier");
  const ColumnPlan* type = plan == nullptr ? nullptr : plan->find_column("identifier_type");
  if (identifier == nullptr || type == nullptr || !plan->uuid) return Done{};
  const Key key{identifier->index, type->index};
  std::vector<std::pair<const RowWork*, std::vector<std::string>>> asking;
  std::vector<std::vector<std::string>> wanted;
  for (const RowWork& row : work.rows) {
    if (row.plan != plan || row.remove) continue;
    auto texts = new_texts(row, key);
    if (!texts) continue;
    wanted.push_back(*texts);
    asking.emplace_back(&row, std::move(*texts));
  }
  if (asking.empty()) return Done{};
  OMRSYNC_TRY(found, holders(*plan, key, wanted));
  for (const auto& [row, texts] : asking)
    for (const Holder& holder : found) {
      if (holder.uuid == row->key || !same_name(texts, holder.texts)) continue;
      work.outcome.notices.push_back({Notice::identifier_taken,
                                      work.writes[row->write].root,
                                      {plan->table->name, holder.uuid},
                                      plan->table->name + "/" + row->key});
    }
  return Done{};
}

}  // namespace omrsync::mysql
