#include "adapters/openmrs/declarations.h"

#include <algorithm>

#include "protocol/json.h"

namespace omrsync::openmrs {
namespace {

Error invalid(std::string_view file, const std::string& what) {
  return {Remedy::set_aside, Code::config_invalid, "mapping " + std::string(file) + ": " + what};
}

/// Refuses members that nobody reads: a misspelt one would be ignored in silence.
Status only_members(std::string_view file, const Json& object, std::initializer_list<std::string_view> known) {
  if (object.object() == nullptr) return invalid(file, "an object is expected");
  for (const auto& [name, value] : *object.object())
    if (std::find(known.begin(), known.end(), name) == known.end())
      return invalid(file, "the member '" + name + "' is not known; remove it or correct its name");
  return Done{};
}

Result<std::string> required(std::string_view file, const Json& object, std::string_view member) {
  const std::string_view text = object.text_of(member);
  if (text.empty()) return invalid(file, "the member '" + std::string(member) + "' is missing");
  return std::string(text);
}

Result<std::vector<std::string>> texts(std::string_view file, const Json* array, std::string_view member) {
  std::vector<std::string> found;
  if (array == nullptr) return found;
  if (array->array() == nullptr) return invalid(file, "'" + std::string(member) + "' must be an array of texts");
  for (const Json& each : *array->array()) {
    if (each.text() == nullptr) return invalid(file, "'" + std::string(member) + "' must be an array of texts");
    found.push_back(*each.text());
  }
  return found;
}

Status read_table(std::string_view file, const Json& json, bool owned, DeclaredTable& out) {
  OMRSYNC_TRY(table, required(file, json, "table"));
  out.table = table;
  out.owner = json.text_of("owner");
  if (owned && out.owner.empty()) return invalid(file, "'" + table + "' is owned and needs the member 'owner'");
  out.identity = json.text_of("identity");
  constexpr std::string_view kIdentities[] = {"", "uuid", "natural", "owner"};
  if (std::find(std::begin(kIdentities), std::end(kIdentities), out.identity) == std::end(kIdentities))
    return invalid(file, "'identity' of '" + table + "' must be uuid, natural or owner");
  OMRSYNC_TRY(key, texts(file, json.find("key"), "key"));
  out.key = std::move(key);
  out.rest = json.text_of("rest");
  if (out.rest.empty() && !owned) out.rest = "row";
  const Json* groups = json.find("groups");
  if (groups == nullptr) return Done{};
  if (groups->object() == nullptr) return invalid(file, "'groups' of '" + table + "' must be an object");
  for (const auto& [name, columns] : *groups->object()) {
    OMRSYNC_TRY(names, texts(file, &columns, name));
    out.groups.push_back({name, std::move(names)});
  }
  return Done{};
}

Status read_root(std::string_view file, const Json& json, Declarations& out) {
  OMRSYNC_CHECK(only_members(file, json, {"table", "class", "identity", "key", "rest", "groups", "owned"}));
  DeclaredRoot root;
  OMRSYNC_CHECK(read_table(file, json, false, root.root));
  const std::string_view kind = json.text_of("class");
  using Class = ports::RootTable::Class;
  if (kind == "metadata")
    root.kind = Class::metadata;
  else if (kind == "link")
    root.kind = Class::link;
  else if (kind != "clinical")
    return invalid(file, "'class' of '" + root.root.table + "' must be clinical, metadata or link");
  if (const Json* owned = json.find("owned"); owned != nullptr) {
    if (owned->array() == nullptr) return invalid(file, "'owned' must be an array");
    for (const Json& each : *owned->array()) {
      OMRSYNC_CHECK(only_members(file, each, {"table", "owner", "identity", "key", "rest", "groups"}));
      OMRSYNC_CHECK(read_table(file, each, true, root.owned.emplace_back()));
    }
  }
  out.roots.insert_or_assign(root.root.table, std::move(root));
  return Done{};
}

using Targets = std::map<std::string, std::string, std::less<>>;

Status read_targets(std::string_view file, const Json& json, Targets& out) {
  if (json.object() == nullptr) return invalid(file, "an object of texts is expected");
  for (const auto& [name, table] : *json.object()) {
    if (table.text() == nullptr) return invalid(file, "'" + name + "' must name a table");
    out.insert_or_assign(name, *table.text());
  }
  return Done{};
}

Status read_reference(std::string_view file, const Json& json, Declarations& out) {
  OMRSYNC_CHECK(only_members(file, json, {"table", "column", "target", "through", "by", "targets"}));
  OMRSYNC_TRY(table, required(file, json, "table"));
  OMRSYNC_TRY(column, required(file, json, "column"));
  if (json.find("by") == nullptr) {
    OMRSYNC_TRY(target, required(file, json, "target"));
    out.references.push_back({table, column, target});
    return Done{};
  }
  EmbeddedReference reference{table, column, std::string(json.text_of("through")), std::string(json.text_of("by")), {}};
  const Json* targets = json.find("targets");
  if (targets == nullptr) return invalid(file, "the member 'targets' is missing");
  if (targets->text() == nullptr) {
    OMRSYNC_CHECK(read_targets(file, *targets, reference.targets));
  } else if (*targets->text() != "classes") {
    return invalid(file, "'targets' must be \"classes\" or an object");
  }
  out.embedded.push_back(std::move(reference));
  return Done{};
}

Status read_excluded(std::string_view file, const Json& json, Declarations& out) {
  OMRSYNC_CHECK(only_members(file, json, {"table", "column", "reason"}));
  OMRSYNC_TRY(table, required(file, json, "table"));
  OMRSYNC_TRY(reason, required(file, json, "reason"));
  out.excluded.push_back({table, std::string(json.text_of("column")), reason});
  return Done{};
}

Status read_rows(std::string_view file, const Json& json, Declarations& out) {
  OMRSYNC_CHECK(only_members(file, json, {"table", "column", "only", "never", "reason"}));
  RowRule rule;
  OMRSYNC_TRY(table, required(file, json, "table"));
  OMRSYNC_TRY(column, required(file, json, "column"));
  OMRSYNC_TRY(reason, required(file, json, "reason"));
  rule.only = json.find("only") != nullptr;
  OMRSYNC_TRY(names, texts(file, json.find(rule.only ? "only" : "never"), rule.only ? "only" : "never"));
  rule.table = table;
  rule.column = column;
  rule.reason = reason;
  rule.names = std::move(names);
  std::erase_if(out.rows, [&](const RowRule& each) { return each.table == rule.table && each.column == rule.column; });
  out.rows.push_back(std::move(rule));
  return Done{};
}

template <typename Read>
Status each_of(std::string_view file, const Json& json, std::string_view member, Declarations& out, Read read) {
  const Json* array = json.find(member);
  if (array == nullptr) return Done{};
  if (array->array() == nullptr) return invalid(file, "'" + std::string(member) + "' must be an array");
  for (const Json& each : *array->array()) OMRSYNC_CHECK(read(file, each, out));
  return Done{};
}

Status read_file(std::string_view file, std::string_view text, Declarations& out, Targets& classes) {
  const Result<Json> parsed = parse_json(text, Code::config_invalid);
  if (!parsed) return invalid(file, parsed.error().message);
  const Json& json = *parsed;
  OMRSYNC_CHECK(only_members(file, json, {"roots", "references", "excluded", "rows", "classes"}));
  OMRSYNC_CHECK(each_of(file, json, "roots", out, read_root));
  OMRSYNC_CHECK(each_of(file, json, "references", out, read_reference));
  OMRSYNC_CHECK(each_of(file, json, "excluded", out, read_excluded));
  OMRSYNC_CHECK(each_of(file, json, "rows", out, read_rows));
  if (const Json* more = json.find("classes"); more != nullptr) {
    OMRSYNC_CHECK(read_targets(file, *more, classes));
  }
  return Done{};
}

}  // namespace

Result<Declarations> read_declarations(const std::vector<std::string>& more) {
  Declarations out;
  Targets classes;
  for (const EmbeddedFile& file : embedded_declarations()) OMRSYNC_CHECK(read_file(file.name, file.text, out, classes));
  std::size_t number = 0;
  for (const std::string& text : more)
    OMRSYNC_CHECK(read_file("addition " + std::to_string(++number), text, out, classes));
  for (EmbeddedReference& reference : out.embedded)
    if (reference.targets.empty()) reference.targets = classes;
  return out;
}

bool matches(std::string_view pattern, std::string_view name) noexcept {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

}  // namespace omrsync::openmrs
