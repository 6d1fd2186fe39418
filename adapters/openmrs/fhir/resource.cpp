#include <algorithm>

#include "adapters/openmrs/fhir/elements.h"
#include "adapters/openmrs/fhir/primitives.h"

namespace omrsync::openmrs::fhir {
namespace {

/// "/obs/location_id" taken apart.
struct ColumnUrl {
  std::string_view table;
  std::string_view column;
};

std::optional<ColumnUrl> column_url(std::string_view path) noexcept {
  const std::size_t slash = path.find('/', 1);
  if (path.empty() || slash == std::string_view::npos || slash == 1 || slash + 1 == path.size()) return std::nullopt;
  return ColumnUrl{path.substr(1, slash - 1), path.substr(slash + 1)};
}

std::string_view node_path(JsonView extension) noexcept {
  const std::string_view url = extension.text_of("url");
  return url.starts_with(kNode) ? url.substr(kNode.size()) : std::string_view();
}

template <typename Visit>
void for_each_word(std::string_view words, Visit visit) {
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    visit(word);
  }
}

Status read_group_names(JsonView extension, ElementReader& from) {
  OMRSYNC_TRY(names, read_cell(extension));
  for_each_word(names, [&](std::string_view name) {
    const std::size_t mark = name.find('#');
    RowReader& row = mark == std::string_view::npos ? from.row : from.reader_of(name.substr(0, mark));
    row.enter(mark == std::string_view::npos ? name : name.substr(mark + 1));
    row.leave();
  });
  return Done{};
}

Status read_node_extension(JsonView extension, std::string_view path, const Type& type, ElementReader& from,
                           ResidueReader& residue) {
  if (path == type.root_audit) return read_audit(extension, from.row);
  if (path == "/audit" && !type.needs_row.empty()) return read_audit(extension, from.reader_of(type.needs_row));
  if (path == "/groups") return read_group_names(extension, from);
  if (path == "/group") return read_opaque(extension, from.into);
  if (path == "/residue") {
    OMRSYNC_TRY(bytes, read_cell(extension));
    residue.set_opaque(bytes);
    return Done{};
  }
  if (path == "/row") {
    OMRSYNC_TRY(head, read_row_head(extension));
    if (head.table == type.table && (!head.has_key || head.is_uuid)) return read_row_cells(extension, from.row);
    if (!head.has_key) return read_row_cells(extension, from.reader_of(head.table));
    return read_owned_row(extension, head, from.facts, from.into);
  }
  const auto url = column_url(path);
  if (!url) return malformed("extension.url", "an extension of omrsync that this version does not know");
  OMRSYNC_TRY(text, read_cell(extension));
  const bool is_root = url->table == type.table || url->table == "exact";
  (is_root ? from.row : from.reader_of(url->table)).add(url->column, text);
  return Done{};
}

Status read_members(JsonView resource, const Type& type, ElementReader& from, ResidueReader& residue) {
  for (const JsonMember member : resource.members()) {
    if (member.name == "resourceType" || member.name == "id" || member.name == "extension") continue;
    const Rule* rule = find_rule(type.rules, member.name);
    bool exact = false;
    if (rule != nullptr) {
      OMRSYNC_TRY(read, rule->read(from, from.row, *rule, member.value));
      exact = read;
    }
    if (!exact) residue.add_member(member.name, member.value);
  }
  return Done{};
}

}  // namespace

const SourceRow* ElementWriter::once(std::string_view table) const noexcept {
  for (const SourceRow& row : source.rows)
    if (!row.has_key && &row != &source.rows.front() && row.table == table) return &row;
  return nullptr;
}

RowReader& ElementReader::reader_of(std::string_view table) {
  const auto found = once.find(table);
  if (found != once.end()) return found->second;
  return once.emplace(table, RowReader(facts.of(table, false), false)).first->second;
}

bool claim_as_element(ElementWriter& to, const SourceRow& row) {
  if (!row.has_key || !is_fhir_id(row.key) || !is_regular(to.source, row)) return false;
  if (row.first_group == row.end_group || !to.source.groups[row.first_group].is_main) return false;
  SourceCell* voided = to.source.take(row, "voided");
  if (voided == nullptr || voided->text != "0") return false;
  to.source.tell(row, *voided);
  to.source.groups[row.first_group].told = true;
  return true;
}

bool write_items(ElementWriter& to, std::string_view member, std::string_view table,
                 bool (*can)(Source&, const SourceRow&), WriteItem* write) {
  bool open = false;
  for (const SourceRow& row : to.source.rows) {
    if (&row == &to.root() || row.table != table || (can != nullptr && !can(to.source, row))) continue;
    if (!claim_as_element(to, row)) continue;
    if (!open) {
      to.json.key(member);
      to.json.open_array();
    }
    open = true;
    to.json.open_object();
    write(to, row);
    to.json.close_object();
  }
  if (open) to.json.close_array();
  return open;
}

Result<bool> read_items(ElementReader& from, JsonView array, Result<bool> (*read)(ElementReader&, JsonView)) {
  bool exact = array.is_array();
  for (const JsonView item : array.items()) {
    OMRSYNC_TRY(one, read(from, item));
    exact = exact && one;
  }
  return exact;
}

Status finish_item(RowReader& row, std::string_view table, std::string_view key,
                   std::map<GroupName, GroupValue>& into) {
  row.enter({});
  row.leave();
  row.add_element("voided", "0");
  std::string prefix(table);
  prefix.append("/").append(key);
  return row.finish(prefix, into);
}

void write_reference_extension(ElementWriter& to, ExtensionsOut& out, const SourceRow& row, std::string_view url,
                               std::string_view column, std::string_view type) {
  SourceCell* cell = to.source.take(row, column);
  if (cell == nullptr || !is_fhir_id(cell->text)) return;
  write_cell(out.begin(), url, {}, Form::reference, type, cell->text, to.zone);
  to.source.tell(row, *cell);
}

void write_row_extensions(ElementWriter& to, ExtensionsOut& out, const SourceRow& row) {
  write_audit(out, to.source, row, to.zone);
  write_columns(out, to.source, row, to.zone);
  write_groups(out, to.source, row);
}

Result<bool> read_row_extension(JsonView extension, std::string_view table, RowReader& row) {
  const std::string_view path = node_path(extension);
  if (path == "/audit") {
    OMRSYNC_CHECK(read_audit(extension, row));
    return true;
  }
  if (path == "/groups") {
    OMRSYNC_TRY(names, read_cell(extension));
    for_each_word(names, [&](std::string_view name) { row.enter(name), row.leave(); });
    return true;
  }
  const auto url = column_url(path);
  if (!url || url->table != table) return false;
  OMRSYNC_TRY(text, read_cell(extension));
  row.add(url->column, text);
  return true;
}

void write_resource(ElementWriter& to, const Type& type, std::string_view id) {
  Source& source = to.source;
  const SourceRow& root = to.root();
  to.json.open_object();
  to.json.member("resourceType", type.name);
  to.json.member("id", id);
  write_rules(to, root, type.rules);
  ExtensionsOut extensions(to.json);
  if (const SourceRow* row = type.needs_row.empty() ? nullptr : to.once(type.needs_row))
    write_audit(extensions, source, *row, to.zone);
  write_audit(extensions, source, root, to.zone, type.root_audit);
  write_columns(extensions, source, root, to.zone, type.exact);
  write_groups(extensions, source, root);
  for (const SourceRow& row : source.rows) {
    if (&row != &root && !row.has_key && is_regular(source, row)) {
      write_columns(extensions, source, row, to.zone);
      write_groups(extensions, source, row, std::string(row.table) + "#");
    }
    write_untold(extensions, source, row, to.zone);
  }
  write_opaque(extensions, source);
  extensions.end();
  to.json.close_object();
}

Status read_resource(JsonView resource, const Type& type, const RootKey& root, const Facts& facts,
                     std::map<GroupName, GroupValue>& into) {
  RowReader row(facts.of(root.table, true), true);
  ElementReader from{root, facts, row, into, {}};
  ResidueReader residue;
  OMRSYNC_CHECK(read_members(resource, type, from, residue));
  if (const auto extensions = resource.find("extension"))
    for (const JsonView extension : extensions->items()) {
      if (extension.text_of("url").empty()) return malformed("extension", "no url");
      const std::string_view path = node_path(extension);
      if (path.empty())
        residue.add_extension(extension);
      else
        OMRSYNC_CHECK(read_node_extension(extension, path, type, from, residue));
    }
  OMRSYNC_CHECK(row.finish({}, into));
  for (auto& [table, owned] : from.once) OMRSYNC_CHECK(owned.finish(table, into));
  return residue.finish(into);
}

}  // namespace omrsync::openmrs::fhir
