#include "adapters/openmrs/plans.h"

#include <algorithm>

#include "adapters/openmrs/fold.h"

namespace omrsync::openmrs {
namespace {

std::optional<std::size_t> place_of(const Table& table, std::string_view column) {
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (table.columns[i].name == column) return i;
  return std::nullopt;
}

bool spells_key(const TablePart& part, const Column& column) {
  if (part.identity == Identity::uuid) return column.name == "uuid";
  return std::find(part.key_columns.begin(), part.key_columns.end(), column.name) != part.key_columns.end();
}

const TablePlan* holder_of(const TablePlan& plan) {
  if (plan.part->identity == Identity::owner) return plan.root_plan;
  const bool subclass = plan.part->identity == Identity::natural && plan.key.size() == 1;
  const TablePlan* target = subclass ? plan.columns[plan.key.front()].target : nullptr;
  return target == nullptr || target == &plan ? &plan : holder_of(*target);
}

}  // namespace

const GroupPlan* TablePlan::find_group(std::string_view name) const noexcept {
  for (const GroupPlan& group : groups)
    if (group.name == name) return &group;
  return nullptr;
}

const ColumnPlan* TablePlan::find_column(std::string_view name) const noexcept {
  for (const ColumnPlan& column : columns)
    if (column.column->name == name) return &column;
  return nullptr;
}

Plans::Plans(std::shared_ptr<const Model> model) : model_(std::move(model)) {
  for (const std::string& table : model_->tables) {
    const Root* root = model_->root_of(table);
    const TablePart* part = model_->part_of(table);
    if (root != nullptr && part != nullptr) add(*root, *part);
  }
  for (const auto& plan : plans_) connect(*plan);
  for (const auto& plan : plans_) plan->key_holder = holder_of(*plan);
}

void Plans::add(const Root& root, const TablePart& part) {
  auto plan = std::make_unique<TablePlan>();
  plan->number = plans_.size();
  plan->table = &model_->schema.find(part.table)->second;
  plan->part = &part;
  plan->root = &root;
  for (std::size_t i = 0; i < plan->table->columns.size(); ++i) {
    ColumnPlan& column = plan->columns.emplace_back();
    column.column = &plan->table->columns[i];
    column.index = i;
    column.spells_key = spells_key(part, *column.column);
  }
  plan->uuid = plan->table->has_uuid ? place_of(*plan->table, "uuid") : std::nullopt;
  if (const Column* key = plan->table->integer_key()) plan->local = place_of(*plan->table, key->name);
  if (!part.owner_column.empty()) plan->owner = place_of(*plan->table, part.owner_column);
  for (const std::string& column : part.key_columns) plan->key.push_back(*place_of(*plan->table, column));
  by_name_.emplace(part.table, plan.get());
  plans_.push_back(std::move(plan));
}

void Plans::connect(TablePlan& plan) {
  for (ColumnPlan& column : plan.columns) {
    const auto target = by_name_.find(column.column->references);
    if (target != by_name_.end()) column.target = target->second;
    for (const EmbeddedReference& each : model_->embedded)
      if (each.table == plan.table->name && each.column == column.column->name) column.embedded = &each;
    for (const EmbeddedReference& each : model_->embedded)
      if (target != by_name_.end() && each.table == plan.table->name && each.through == column.column->name)
        plan.typed.push_back(&each);
  }
  for (const ColumnGroup& group : plan.part->groups) {
    GroupPlan& out = plan.groups.emplace_back();
    out.name = group.name;
    for (const std::string& name : group.columns) out.columns.push_back(&plan.columns[*place_of(*plan.table, name)]);
    std::sort(out.columns.begin(), out.columns.end(),
              [](const ColumnPlan* a, const ColumnPlan* b) { return a->column->name < b->column->name; });
    out.plain = std::none_of(out.columns.begin(), out.columns.end(),
                             [](const ColumnPlan* each) { return each->embedded != nullptr || each->spells_key; });
  }
  const auto root = by_name_.find(plan.root->root.table);
  plan.root_plan = root == by_name_.end() ? &plan : root->second;
  for (const TablePart& part : plan.root->owned)
    if (plan.is_root()) plan.owned.push_back(by_name_.find(part.table)->second);
  for (const RowRule& rule : model_->row_rules) {
    if (rule.table != plan.table->name) continue;
    plan.rule = &rule;
    plan.rule_column = place_of(*plan.table, rule.column);
    for (const std::string& name : rule.names) plan.rule_names.push_back(fold_name(name));
  }
}

const TablePlan* Plans::find(std::string_view table) const noexcept {
  const auto found = by_name_.find(table);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace omrsync::openmrs
