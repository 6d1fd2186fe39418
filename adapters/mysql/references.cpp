#include "adapters/mysql/references.h"

#include <algorithm>

#include "adapters/openmrs/fold.h"

namespace omrsync::mysql {
namespace {

using openmrs::TablePlan;
using openmrs::Wanted;

/// Referred to by its name, which the row that refers to it holds as it is.
bool is_named(const TablePlan& plan) {
  return plan.part->identity == openmrs::Identity::natural && !plan.refers_by_uuid() && plan.key.size() == 1 &&
         plan.key_holder == &plan;
}

std::string type_text_name(const TablePlan& table, std::string_view local, std::string_view column) {
  std::string name(table.table->name);
  name.append(".").append(column).append("/").append(local);
  return name;
}

std::string lower_ascii(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

/// The column by which rows of `plan` are numbered: its key, or the owner's key that it shares.
std::size_t number_column(const TablePlan& plan) {
  if (plan.part->identity == openmrs::Identity::owner) return *plan.owner;
  return plan.local.value_or(plan.key.empty() ? 0 : plan.key.front());
}

}  // namespace

Status in_chunks(const std::vector<std::string_view>& items,
                 const std::function<Status(std::span<const std::string_view>)>& work) {
  for (std::size_t at = 0; at < items.size(); at += kKeysPerQuery)
    OMRSYNC_CHECK(work(std::span(items).subspan(at, std::min(kKeysPerQuery, items.size() - at))));
  return Done{};
}

References::References(const Compiled& compiled, KeyCache* cache, std::shared_ptr<const Aliases> aliases)
    : compiled_(compiled), cache_(cache), aliases_(std::move(aliases)) {
  if (cache_ != nullptr) since_ = cache_->age();
  clear();
}

void References::clear() {
  keys_.assign(compiled_.plans.all().size(), {});
  locals_.assign(compiled_.plans.all().size(), {});
}

Status References::read_types(Connection& connection, const std::set<const TablePlan*>& tables) {
  for (const TablePlan* plan : tables) {
    if (!typed_.insert(plan).second) continue;
    for (const openmrs::EmbeddedReference* each : plan->typed) {
      const TablePlan& type = *plan->find_column(each->through)->target;
      if (!type.local) continue;
      const std::string& number = type.columns[*type.local].column->name;
      OMRSYNC_CHECK(connection.query("SELECT " + quote_identifier(number) + ", " + quote_identifier(each->by) +
                                         " FROM " + compiled_.sql(type).name,
                                     [&](std::span<const Cell> row) {
                                       if (row[0] && row[1])
                                         types_.insert_or_assign(type_text_name(type, *row[0], each->by), *row[1]);
                                       return true;
                                     }));
    }
  }
  return Done{};
}

Status References::find_keys(Connection& connection, std::vector<Wanted> wanted) {
  for (Wanted& each : wanted) each.target = each.target->key_holder;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::map<const TablePlan*, Texts> missing;
  for (const Wanted& each : wanted) {
    Map& known = keys_[each.target->number];
    if (known.contains(each.text)) continue;
    if (is_named(*each.target)) {
      known.emplace(each.text, openmrs::join_key(std::vector{openmrs::fold_name(each.text)}));
    } else if (auto cached = cache_ == nullptr ? std::nullopt : cache_->key_of(*each.target, each.text)) {
      known.emplace(each.text, std::move(*cached));
    } else {
      missing[each.target].push_back(each.text);
    }
  }
  for (const auto& [plan, locals] : missing) {
    if (!plan->refers_by_uuid()) continue;
    OMRSYNC_CHECK(in_chunks(locals, [&, table = plan](std::span<const std::string_view> chunk) {
      return select_keys(connection, *table, Texts(chunk.begin(), chunk.end()));
    }));
  }
  return Done{};
}

Status References::select_keys(Connection& connection, const TablePlan& plan, const Texts& locals) {
  const SqlTable& sql = compiled_.sql(plan);
  const std::size_t number = number_column(plan);
  const std::string query = "SELECT " + sql.names[number] + ", uuid FROM " + sql.name + " WHERE " + sql.names[number] +
                            " IN " + in_list(sql.kinds[number], locals);
  return connection.query(query, [&](std::span<const Cell> row) {
    if (row[0] && row[1] && !row[1]->empty()) {
      std::string key = lower_ascii(*row[1]);
      if (cache_ != nullptr) cache_->learn_key(plan, *row[0], key, since_);
      keys_[plan.number].insert_or_assign(*row[0], std::move(key));
    }
    return true;
  });
}

Status References::find_locals(Connection& connection, std::vector<Wanted> wanted) {
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::map<const TablePlan*, Texts> missing;
  for (const Wanted& each : wanted) {
    Map& known = locals_[each.target->number];
    const std::string_view key = dealias(*each.target, each.text);
    if (known.contains(key)) continue;
    if (auto cached = cache_ == nullptr ? std::nullopt : cache_->local_of(*each.target, key))
      known.emplace(std::string(key), std::move(*cached));
    else
      missing[each.target].push_back(key);
  }
  for (const auto& [plan, keys] : missing)
    OMRSYNC_CHECK(in_chunks(keys, [&, table = plan](std::span<const std::string_view> chunk) {
      return select_locals(connection, *table, Texts(chunk.begin(), chunk.end()));
    }));
  return Done{};
}

Status References::select_locals(Connection& connection, const TablePlan& plan, const Texts& keys) {
  const TablePlan& holder = *plan.key_holder;
  const SqlTable& sql = compiled_.sql(plan);
  const SqlTable& held = compiled_.sql(holder);
  std::string query;
  std::vector<std::string> names;
  if (is_named(plan)) {
    for (const std::string_view key : keys) names.push_back(openmrs::split_key(key).front());
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string& name = sql.names[plan.key.front()];
    query = "SELECT " + name + ", " + name + " FROM " + sql.name + " WHERE " + name + " IN " +
            in_list(ValueKind::text, views);
  } else if (holder.refers_by_uuid()) {
    const std::string& number = held.names[number_column(holder)];
    query = "SELECT h.uuid, h." + number + " FROM " + held.name + " h";
    if (&holder != &plan) query += " JOIN " + sql.name + " t ON t." + sql.names[number_column(plan)] + " = h." + number;
    query += " WHERE h.uuid IN " + in_list(ValueKind::text, keys) + " ORDER BY 2 DESC";
  } else {
    return Done{};
  }
  return connection.query(query, [&](std::span<const Cell> row) {
    if (!row[0] || !row[1]) return true;
    const std::string key =
        is_named(plan) ? openmrs::join_key(std::vector{openmrs::fold_name(*row[0])}) : lower_ascii(*row[0]);
    if (cache_ != nullptr) cache_->learn_local(plan, key, *row[1], since_);
    locals_[plan.number].insert_or_assign(key, *row[1]);
    return true;
  });
}

void References::know_key(const TablePlan& plan, std::string_view local, std::string key) {
  keys_[plan.key_holder->number].insert_or_assign(std::string(local), std::move(key));
}

void References::know_local(const TablePlan& plan, std::string_view key, std::string local) {
  locals_[plan.number].insert_or_assign(std::string(key), std::move(local));
}

std::string_view References::dealias(const TablePlan& plan, std::string_view key) const {
  if (aliases_ == nullptr || aliases_->empty()) return key;
  const auto found = aliases_->find({plan.key_holder->table->name, std::string(key)});
  return found == aliases_->end() ? key : std::string_view(found->second);
}

std::optional<std::string_view> References::key_of(const TablePlan& target, std::string_view local) const {
  const Map& known = keys_[target.key_holder->number];
  const auto found = known.find(local);
  if (found == known.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> References::local_of(const TablePlan& target, std::string_view key) const {
  const Map& known = locals_[target.number];
  const auto found = known.find(dealias(target, key));
  if (found == known.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> References::text_of(const TablePlan& type_table, std::string_view local,
                                                    std::string_view column) const {
  const auto found = types_.find(type_text_name(type_table, local, column));
  if (found == types_.end()) return std::nullopt;
  return found->second;
}

}  // namespace omrsync::mysql
