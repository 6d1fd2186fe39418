#include "adapters/openmrs/model.h"

#include <algorithm>
#include <set>

#include "adapters/openmrs/declarations.h"
#include "adapters/openmrs/table_order.h"

namespace omrsync::openmrs {
namespace {

using Kind = ports::RootTable::Class;

constexpr std::string_view kLifeColumns[] = {"voided",     "voided_by",    "date_voided",   "void_reason",   "retired",
                                             "retired_by", "date_retired", "retire_reason", "retired_reason"};
constexpr std::string_view kChangedColumns[] = {"changed_by", "date_changed"};
constexpr std::string_view kUserColumns[] = {"creator", "changed_by", "voided_by", "retired_by"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

Column* column_of(Schema& schema, const std::string& table, const std::string& column) {
  const auto found = schema.find(table);
  if (found == schema.end()) return nullptr;
  for (Column& each : found->second.columns)
    if (each.name == column) return &each;
  return nullptr;
}

/// Columns that hold another table's key without a foreign key: declared ones, and those that OpenMRS names after
/// users.
void complete_references(Schema& schema, const Declarations& declared) {
  for (const DeclaredReference& each : declared.references) {
    Column* column = column_of(schema, each.table, each.column);
    const auto target = schema.find(each.target);
    if (column == nullptr || !column->references.empty() || target == schema.end()) continue;
    column->references = each.target;
    column->references_column = target->second.primary_key.empty() ? "" : target->second.primary_key.front();
    column->enforced = false;
  }
  if (!schema.contains("users")) return;
  for (auto& [name, table] : schema)
    for (Column& column : table.columns) {
      if (!column.references.empty() || column.type != ColumnType::integer) continue;
      if (!contains(kUserColumns, column.name)) continue;
      column.references = "users";
      column.references_column = "user_id";
      column.enforced = false;
    }
}

class Compiler {
 public:
  Compiler(Schema schema, Declarations declared) : declared_(std::move(declared)) { model_.schema = std::move(schema); }

  Result<Model> compile() {
    complete_references(model_.schema, declared_);
    exclude_declared();
    while (exclude_what_cannot_travel()) {
    }
    add_declared_roots();
    add_other_roots();
    order();
    for (const Root& root : model_.roots) {
      OMRSYNC_CHECK(check(root.root));
      for (const TablePart& part : root.owned) OMRSYNC_CHECK(check(part));
    }
    keep_rules();
    return std::move(model_);
  }

 private:
  void exclude_declared() {
    for (const Excluded& each : declared_.excluded)
      for (const auto& [name, table] : model_.schema) {
        if (!matches(each.table, name)) continue;
        if (each.column.empty())
          model_.excluded.push_back({name, "", each.reason});
        else if (table.find(each.column) != nullptr)
          model_.excluded.push_back({name, each.column, each.reason});
      }
    for (const RowRule& rule : declared_.rows)
      if (rule.only && rule.names.empty() && model_.schema.contains(rule.table))
        model_.excluded.push_back({rule.table, "", rule.reason});
  }

  void add_declared_roots() {
    for (const auto& [name, declared] : declared_.roots) {
      const Table* table = synced(name);
      if (table == nullptr) continue;
      Root root;
      root.kind = declared.kind;
      root.declared = true;
      root.root = part_for(*table, declared.root);
      if (root.root.identity == Identity::natural && root.root.key_columns.empty()) continue;
      for (const DeclaredTable& each : declared.owned) {
        const Table* owned = synced(each.table);
        if (owned == nullptr || owned->find(each.owner) == nullptr) continue;
        root.owned.push_back(part_for(*owned, each));
      }
      model_.roots.push_back(std::move(root));
    }
  }

  /// A table without uuid whose only key is a number of its own cannot be told from another node's; nor can one that
  /// must refer to such a table. True when something was excluded, so that others may follow.
  bool exclude_what_cannot_travel() {
    for (const auto& [name, table] : model_.schema) {
      if (synced(name) == nullptr) continue;
      const Column* key = table.integer_key();
      const bool told_apart = has_declared_key(name) || table.has_uuid || key == nullptr || !key->references.empty();
      if (!told_apart) {
        model_.excluded.push_back({name, "", "has no uuid, and its key is a local number"});
        return true;
      }
      for (const Column& column : table.columns) {
        if (column.references.empty() || synced(column.references) != nullptr) continue;
        if (model_.exclusion(name, column.name) != nullptr) continue;
        const std::string reason = "refers to " + column.references + ", which does not travel";
        model_.excluded.push_back({name, column.nullable ? column.name : "", reason});
        return true;
      }
    }
    return false;
  }

  void add_other_roots() {
    for (const auto& [name, table] : model_.schema) {
      if (synced(name) == nullptr || model_.part_of(name) != nullptr) continue;
      DeclaredTable plain;
      plain.table = name;
      plain.rest = "row";
      if (!table.has_uuid) plain.key = table.primary_key;
      if (!table.has_uuid && plain.key.empty())
        for (const Column& column : table.columns) plain.key.push_back(column.name);
      Root root;
      root.root = part_for(table, plain);
      root.kind = kind_of(table, root.root);
      model_.roots.push_back(std::move(root));
    }
  }

  [[nodiscard]] bool has_declared_key(const std::string& table) const {
    for (const auto& [name, root] : declared_.roots) {
      if (name == table && !root.root.key.empty()) return true;
      for (const DeclaredTable& owned : root.owned)
        if (owned.table == table && (owned.identity == "owner" || !owned.key.empty())) return true;
    }
    return false;
  }

  [[nodiscard]] static Kind kind_of(const Table& table, const TablePart& part) {
    if (part.identity == Identity::natural && part.key_columns.size() == table.columns.size()) return Kind::link;
    if (table.find("retired") != nullptr) return Kind::metadata;
    if (table.find("voided") != nullptr) return Kind::clinical;
    constexpr std::string_view kClinical[] = {"person", "patient", "visit", "encounter", "obs", "orders"};
    for (const Column& column : table.columns)
      if (contains(kClinical, column.references)) return Kind::clinical;
    return Kind::metadata;
  }

  [[nodiscard]] TablePart part_for(const Table& table, const DeclaredTable& declared) const {
    TablePart part;
    part.table = table.name;
    part.owner_column = declared.owner;
    part.key_columns = declared.key;
    part.identity = identity_of(table, declared);
    if (part.identity != Identity::natural)
      part.key_columns.clear();
    else if (part.key_columns.empty())
      part.key_columns = table.primary_key;
    std::erase_if(part.key_columns,
                  [&](const std::string& name) { return table.find(name) == nullptr || name == part.owner_column; });
    add_groups(table, declared, part);
    return part;
  }

  [[nodiscard]] static Identity identity_of(const Table& table, const DeclaredTable& declared) {
    if (declared.identity == "owner") return Identity::owner;
    if (declared.identity == "natural") return Identity::natural;
    return table.has_uuid ? Identity::uuid : Identity::natural;
  }

  void add_groups(const Table& table, const DeclaredTable& declared, TablePart& part) const {
    const bool owned = !part.owner_column.empty();
    std::set<std::string> taken;
    for (const Column& column : table.columns)
      if (is_identity(table, part, column) || model_.exclusion(table.name, column.name) != nullptr)
        taken.insert(column.name);
    const auto take = [&](ColumnGroup& group, auto belongs) {
      for (const Column& column : table.columns)
        if (!taken.contains(column.name) && belongs(column.name)) {
          group.columns.push_back(column.name);
          taken.insert(column.name);
        }
    };
    std::vector<ColumnGroup> groups;
    for (const ColumnGroup& each : declared.groups) {
      ColumnGroup& group = groups.emplace_back(ColumnGroup{each.name, {}});
      for (const std::string& pattern : each.columns)
        take(group, [&](const std::string& name) { return matches(pattern, name); });
    }
    ColumnGroup life{"life", {}};
    take(life, [&](const std::string& name) { return contains(kLifeColumns, name) || (!owned && spells(part, name)); });
    ColumnGroup changed{"changed", {}};
    take(changed, [](const std::string& name) { return contains(kChangedColumns, name); });
    ColumnGroup rest{owned && declared.rest.empty() ? "" : declared.rest, {}};
    take(rest, [](const std::string&) { return true; });
    std::erase_if(groups, [](const ColumnGroup& group) { return group.columns.empty(); });
    if (!rest.columns.empty() || owned) groups.insert(groups.begin(), std::move(rest));
    if (!life.columns.empty() || !owned) groups.push_back(std::move(life));
    if (!changed.columns.empty()) groups.push_back(std::move(changed));
    part.groups = std::move(groups);
  }

  /// The column spells what the root's key says in canonical form.
  static bool spells(const TablePart& part, const std::string& column) {
    if (part.identity == Identity::uuid) return column == "uuid";
    return contains(part.key_columns, column);
  }

  void order() {
    std::vector<std::string> tables;
    for (const Root& root : model_.roots) {
      tables.push_back(root.root.table);
      for (const TablePart& part : root.owned) tables.push_back(part.table);
    }
    model_.tables = insert_order(model_.schema, tables);
    const auto place = [&](const std::string& table) {
      return std::find(model_.tables.begin(), model_.tables.end(), table);
    };
    std::sort(model_.roots.begin(), model_.roots.end(),
              [&](const Root& a, const Root& b) { return place(a.root.table) < place(b.root.table); });
    for (Root& root : model_.roots)
      std::sort(root.owned.begin(), root.owned.end(),
                [&](const TablePart& a, const TablePart& b) { return place(a.table) < place(b.table); });
  }

  /// Each column in exactly one group, or identity, or excluded; and the keys are there.
  [[nodiscard]] Status check(const TablePart& part) const {
    const Table& table = model_.schema.find(part.table)->second;
    const auto invalid = [&](const std::string& what) {
      return Error{Remedy::set_aside, Code::config_invalid, "mapping of table " + part.table + ": " + what};
    };
    if (part.identity == Identity::uuid && !table.has_uuid) return invalid("it has no column uuid; declare a key");
    if (part.identity == Identity::natural && part.key_columns.empty()) return invalid("declare a key");
    std::map<std::string, int> places;
    for (const ColumnGroup& group : part.groups)
      for (const std::string& column : group.columns) ++places[column];
    for (const Column& column : table.columns) {
      const bool stays = is_identity(table, part, column) || model_.exclusion(part.table, column.name) != nullptr;
      if (places[column.name] != (stays ? 0 : 1))
        return invalid("the column '" + column.name + "' must be in exactly one group");
    }
    return Done{};
  }

  void keep_rules() {
    for (EmbeddedReference& each : declared_.embedded)
      if (column_of(model_.schema, each.table, each.column) != nullptr && synced(each.table) != nullptr)
        model_.embedded.push_back(std::move(each));
    for (RowRule& each : declared_.rows)
      if (column_of(model_.schema, each.table, each.column) != nullptr && synced(each.table) != nullptr)
        model_.row_rules.push_back(std::move(each));
  }

  /// The table, if it is there and travels.
  [[nodiscard]] const Table* synced(const std::string& name) const {
    const auto found = model_.schema.find(name);
    if (found == model_.schema.end() || model_.exclusion(name) != nullptr) return nullptr;
    return &found->second;
  }

  Declarations declared_;
  Model model_;
};

}  // namespace

bool is_identity(const Table& table, const TablePart& part, const Column& column) noexcept {
  if (!part.owner_column.empty() && column.name == part.owner_column) return true;
  const bool key = contains(part.key_columns, column.name);
  if (part.identity == Identity::natural && key) return !column.references.empty();
  const Column* number = table.integer_key();
  return number != nullptr && number->name == column.name && column.references.empty();
}

const Root* Model::root_of(std::string_view table) const noexcept {
  for (const Root& root : roots) {
    if (root.root.table == table) return &root;
    for (const TablePart& part : root.owned)
      if (part.table == table) return &root;
  }
  return nullptr;
}

const TablePart* Model::part_of(std::string_view table) const noexcept {
  for (const Root& root : roots) {
    if (root.root.table == table) return &root.root;
    for (const TablePart& part : root.owned)
      if (part.table == table) return &part;
  }
  return nullptr;
}

const Excluded* Model::exclusion(std::string_view table, std::string_view column) const noexcept {
  for (const Excluded& each : excluded)
    if (each.table == table && each.column == column) return &each;
  return nullptr;
}

Result<Model> compile_model(Schema schema, const std::vector<std::string>& more) {
  OMRSYNC_TRY(declared, read_declarations(more));
  return Compiler(std::move(schema), std::move(declared)).compile();
}

}  // namespace omrsync::openmrs
