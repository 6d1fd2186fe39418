#include "adapters/mysql/snapshot_rows.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "adapters/openmrs/fold.h"

namespace omrsync::mysql {
namespace {

using openmrs::TablePlan;

std::uint64_t number_from(const Cell& cell) {
  std::uint64_t number = 0;
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), number);
  return number;
}

void add_groups(const Compiled& compiled, const References& references, const TablePlan& plan, const Row& row,
                const std::string& key, ports::RootContent& content) {
  for (const openmrs::GroupPlan& group : plan.groups) {
    ports::GroupContent& out = content.groups[openmrs::group_name(plan, key, group)];
    out.value = openmrs::wire_value(compiled.plans, plan, group, row, key, references);
    out.hash = openmrs::local_hash(group, row, compiled.hash);
  }
}

}  // namespace

std::uint64_t number_of(const TablePlan& plan, const Row& row) {
  return plan.local ? number_from(row[*plan.local]) : 0;
}

void RawRoot::name_owned(const References& references) {
  owned_keys.clear();
  for (const auto& [table, cells] : owned)
    owned_keys.push_back(openmrs::key_of_row(*table, cells, references).value_or(""));
}

std::uint64_t absent_hash(const Compiled& compiled) { return compiled.hash("absent"); }

ports::RootContent content_of(const Compiled& compiled, const References& references, const RawRoot& root) {
  ports::RootContent content;
  content.local_id = root.local_id;
  if (root.foreign_core_user()) {
    for (const openmrs::GroupPlan& group : root.plan->groups)
      content.groups[openmrs::group_name(*root.plan, root.key, group)] = {GroupValue{}, absent_hash(compiled)};
    return content;
  }
  add_groups(compiled, references, *root.plan, root.row, root.key, content);
  if (root.by_alias() && root.plan->uuid) {
    // Seen by its other name, the row does not spell its own.
    Row unspelled = root.row;
    unspelled[*root.plan->uuid].reset();
    const openmrs::GroupPlan& life = *root.plan->find_group(kLifeGroup);
    content.groups[kLifeGroup].value =
        openmrs::wire_value(compiled.plans, *root.plan, life, unspelled, root.key, references);
  }
  for (const auto& [plan, row] : root.owned) {
    const auto key = openmrs::key_of_row(*plan, row, references);
    if (key) add_groups(compiled, references, *plan, row, *key, content);
  }
  return content;
}

RootReader::RootReader(Connection& connection, const Compiled& compiled, References& references,
                       std::shared_ptr<const Aliases> aliases, bool lock)
    : connection_(connection),
      compiled_(compiled),
      references_(references),
      aliases_(std::move(aliases)),
      lock_(lock ? " FOR UPDATE" : "") {}

/// A natural key in the words of this database: where a part of it names a row that stands here under another uuid.
std::string RootReader::spelled_here(const TablePlan& plan, const std::string& key) const {
  if (aliases_ == nullptr || aliases_->empty() || plan.part->identity != openmrs::Identity::natural) return key;
  std::vector<std::string> parts = openmrs::split_key(key);
  for (std::size_t i = 0; i < plan.key.size() && i < parts.size(); ++i) {
    const TablePlan* target = plan.columns[plan.key[i]].target;
    if (target == nullptr) continue;
    const auto alias = aliases_->find({target->key_holder->table->name, parts[i]});
    if (alias != aliases_->end()) parts[i] = alias->second;
  }
  return openmrs::join_key(parts);
}

Result<std::vector<std::optional<RawRoot>>> RootReader::read(std::span<const RootKey> roots) {
  std::vector<std::optional<RawRoot>> out(roots.size());
  std::map<std::size_t, std::vector<std::size_t>> places;  // by table number: the fixed order
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const TablePlan* plan = compiled_.plans.find(roots[i].table);
    if (plan != nullptr && plan->is_root()) places[plan->number].push_back(i);
  }
  for (const auto& [number, at] : places)
    for (std::size_t from = 0; from < at.size(); from += kKeysPerQuery) {
      const std::size_t count = std::min(kKeysPerQuery, at.size() - from);
      const std::vector<std::size_t> chunk(at.begin() + static_cast<std::ptrdiff_t>(from),
                                           at.begin() + static_cast<std::ptrdiff_t>(from + count));
      OMRSYNC_CHECK(read_table(*compiled_.plans.all()[number], roots, out, chunk));
    }
  return out;
}

Status RootReader::read_table(const TablePlan& plan, std::span<const RootKey> roots,
                              std::vector<std::optional<RawRoot>>& out, const std::vector<std::size_t>& places) {
  std::unordered_multimap<std::string, std::size_t> wanted;  // the row's own key -> places that ask for it
  std::vector<std::string> keys;
  for (const std::size_t place : places) {
    const auto alias =
        aliases_ == nullptr ? Aliases::const_iterator{} : aliases_->find({plan.table->name, roots[place].key});
    const bool aliased = aliases_ != nullptr && alias != aliases_->end();
    keys.push_back(aliased ? alias->second : spelled_here(plan, roots[place].key));
    wanted.emplace(keys.back(), place);
  }
  OMRSYNC_TRY(where, where_keys(plan, keys));
  if (where.empty()) return Done{};
  std::vector<RawRoot> found;
  OMRSYNC_CHECK(read_rows(plan, where, found));
  std::vector<RawRoot*> kept;
  std::set<std::string> seen;
  for (RawRoot& root : found)
    if (wanted.contains(root.key) && seen.insert(root.key).second) kept.push_back(&root);
  OMRSYNC_CHECK(read_owned(plan, kept));
  for (RawRoot* root : kept) {
    const auto [first, last] = wanted.equal_range(root->key);
    for (auto each = first; each != last; ++each) {
      out[each->second] = *root;
      out[each->second]->asked = roots[each->second].key;
    }
  }
  return Done{};
}

/// Rows by rising local number, so that of two rows with one uuid the first is the root.
Status RootReader::read_rows(const TablePlan& plan, const std::string& where, std::vector<RawRoot>& found) {
  const SqlTable& sql = compiled_.sql(plan);
  OMRSYNC_CHECK(
      connection_.query("SELECT " + sql.select + " FROM " + sql.name + where + lock_, [&](std::span<const Cell> cells) {
        RawRoot& root = found.emplace_back();
        root.plan = &plan;
        root.row.assign(cells.begin(), cells.end());
        to_canonical(sql, root.row);
        return true;
      }));
  std::erase_if(found, [&](const RawRoot& root) { return openmrs::stays_home(plan, root.row); });
  if (plan.part->identity == openmrs::Identity::natural) {
    std::vector<openmrs::Wanted> wanted;
    for (const RawRoot& root : found) openmrs::wanted_keys(compiled_.plans, plan, root.row, references_, wanted);
    OMRSYNC_CHECK(references_.find_keys(connection_, std::move(wanted)));
  }
  for (RawRoot& root : found) {
    root.key = openmrs::key_of_row(plan, root.row, references_).value_or("");
    root.asked = root.key;
    root.local_id = number_of(plan, root.row);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const RawRoot& a, const RawRoot& b) { return a.local_id < b.local_id; });
  return Done{};
}

Result<std::string> RootReader::where_keys(const TablePlan& plan, const std::vector<std::string>& keys) {
  if (plan.part->identity == openmrs::Identity::natural) return where_natural(plan, keys);
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  return " WHERE uuid IN " + in_list(ValueKind::text, views);
}

/// Natural keys are compared by the server.
Result<std::string> RootReader::where_natural(const TablePlan& plan, const std::vector<std::string>& keys) {
  const SqlTable& sql = compiled_.sql(plan);
  std::vector<openmrs::Wanted> wanted;
  for (const std::string& key : keys) {
    const std::vector<std::string> parts = openmrs::split_key(key);
    for (std::size_t i = 0; i < plan.key.size() && i < parts.size(); ++i)
      if (const TablePlan* target = plan.columns[plan.key[i]].target; target != nullptr && !parts[i].empty())
        wanted.push_back({target, parts[i]});
  }
  OMRSYNC_CHECK(references_.find_locals(connection_, std::move(wanted)));
  std::string where;
  for (const std::string& key : keys) {
    const std::vector<std::string> parts = openmrs::split_key(key);
    std::string all;
    if (parts.size() == plan.key.size() + 1 && plan.uuid) all = "uuid = " + quote_text(parts.back());
    for (std::size_t i = 0; i < plan.key.size() && parts.size() == plan.key.size(); ++i) {
      const openmrs::ColumnPlan& column = plan.columns[plan.key[i]];
      std::optional<std::string> value;
      if (column.target == nullptr) {
        value = literal(sql.kinds[column.index], parts[i]);
      } else if (const auto local = references_.local_of(*column.target, parts[i])) {
        value = literal(sql.kinds[column.index], *local);
      }
      std::string test = value ? sql.names[column.index] + " = " + *value : "FALSE";
      if (parts[i].empty() && column.column->nullable)
        test = "(" + sql.names[column.index] + " IS NULL OR " + test + ")";
      all += (i == 0 ? "" : " AND ") + test;
    }
    if (!all.empty()) where += (where.empty() ? " WHERE (" : " OR (") + all + ")";
  }
  return where;
}

Status RootReader::read_owned(const TablePlan& plan, std::vector<RawRoot*>& roots) {
  if (roots.empty()) return Done{};
  std::vector<std::string> numbers;
  for (const RawRoot* root : roots) numbers.push_back(std::to_string(root->local_id));
  const std::vector<std::string_view> views(numbers.begin(), numbers.end());
  const std::string list = in_list(ValueKind::integer, views);
  for (const TablePlan* owned : plan.owned) OMRSYNC_CHECK(read_owned_where(*owned, " IN " + list, roots));
  return Done{};
}

Status RootReader::read_owned_between(std::vector<RawRoot>& roots) {
  if (roots.empty() || roots.front().plan->owned.empty()) return Done{};
  std::vector<RawRoot*> pointers;
  for (RawRoot& root : roots) pointers.push_back(&root);
  const std::string range =
      " BETWEEN " + std::to_string(roots.front().local_id) + " AND " + std::to_string(roots.back().local_id);
  for (const TablePlan* owned : roots.front().plan->owned) OMRSYNC_CHECK(read_owned_where(*owned, range, pointers));
  return Done{};
}

Status RootReader::read_owned_where(const TablePlan& owned, const std::string& where,
                                    const std::vector<RawRoot*>& by_number) {
  const SqlTable& sql = compiled_.sql(owned);
  std::unordered_map<std::uint64_t, RawRoot*> owners;
  for (RawRoot* root : by_number) owners.emplace(root->local_id, root);
  return connection_.query(
      "SELECT " + sql.select + " FROM " + sql.name + " WHERE " + sql.names[*owned.owner] + where + lock_,
      [&](std::span<const Cell> cells) {
        const auto owner = owners.find(number_from(cells[*owned.owner]));
        if (owner == owners.end()) return true;
        auto& [plan, row] = owner->second->owned.emplace_back(&owned, Row(cells.begin(), cells.end()));
        to_canonical(sql, row);
        return true;
      });
}

Result<std::vector<ports::RootContent>> RootReader::contents(std::span<const RawRoot> roots) {
  std::set<const TablePlan*> typed;
  for (const RawRoot& root : roots) {
    if (!root.plan->typed.empty()) typed.insert(root.plan);
    for (const auto& [plan, row] : root.owned)
      if (!plan->typed.empty()) typed.insert(plan);
  }
  OMRSYNC_CHECK(references_.read_types(connection_, typed));
  std::vector<openmrs::Wanted> wanted;
  for (const RawRoot& root : roots) {
    openmrs::wanted_keys(compiled_.plans, *root.plan, root.row, references_, wanted);
    for (const auto& [plan, row] : root.owned) openmrs::wanted_keys(compiled_.plans, *plan, row, references_, wanted);
  }
  OMRSYNC_CHECK(references_.find_keys(connection_, std::move(wanted)));
  std::vector<ports::RootContent> contents;
  contents.reserve(roots.size());
  for (const RawRoot& root : roots) contents.push_back(content_of(compiled_, references_, root));
  return contents;
}

}  // namespace omrsync::mysql
