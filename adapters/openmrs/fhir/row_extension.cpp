#include "adapters/openmrs/fhir/row_extension.h"

#include <algorithm>

#include "adapters/openmrs/fhir/primitives.h"
#include "protocol/varint.h"

namespace omrsync::openmrs::fhir {
namespace {

/// Child names that are no columns. A column of such a name, or of one with a dot in front, gets a dot in front.
bool is_reserved(std::string_view name) noexcept {
  return name == "table" || name == "key" || name == "group" || name == "uuid" || name.front() == '.';
}

void write_column(JsonOut& json, const SourceCell& cell, const Zone& zone) {
  const std::string_view dot = is_reserved(cell.column) ? "." : "";
  write_cell(json, dot, cell.column, cell.form(), cell.target(), cell.text, zone);
}

/// Is there anything that NODE/row has to say?
bool has_untold(const Source& source, const SourceRow& row) {
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at)
    if (!source.cells[at].done) return true;
  for (std::size_t at = row.first_group; at < row.end_group; ++at)
    if (!source.groups[at].told) return true;
  return false;
}

void write_default_cells(JsonOut& json, Source& source, const SourceRow& row, const Zone& zone) {
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at) {
    SourceCell& cell = source.cells[at];
    if (cell.done || !cell.is_default) continue;
    write_column(json, cell, zone);
    source.tell(row, cell);
  }
}

void write_group_name(JsonOut& json, const SourceGroup& group) {
  write_name(json, "group", group.is_main ? std::string_view() : group.name);
}

/// Groups with cells outside their default group, and groups that nothing has told of.
void write_other_groups(JsonOut& json, Source& source, const SourceRow& row, const Zone& zone) {
  for (std::size_t index = row.first_group; index < row.end_group; ++index) {
    bool named = false;
    for (std::size_t at = row.first_cell; at < row.end_cell; ++at) {
      SourceCell& cell = source.cells[at];
      if (cell.done || row.first_group + cell.group != index) continue;
      if (!named) write_group_name(json, source.groups[index]);
      named = true;
      write_column(json, cell, zone);
      source.tell(row, cell);
    }
    if (!source.groups[index].told) write_group_name(json, source.groups[index]);
    source.groups[index].told = true;
  }
}

/// A name that is one step of a URL and one word of a list.
bool is_plain_name(std::string_view name) noexcept {
  for (const char byte : name)
    if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') && !(byte >= '0' && byte <= '9') && byte != '_')
      return false;
  return !name.empty();
}

/// NODE/exact/… is no table.
bool is_plain_table(std::string_view table) noexcept { return is_plain_name(table) && table != "exact"; }

/// No cell of the group is still to be written.
bool is_bare(const Source& source, const SourceRow& row, std::size_t group) {
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at)
    if (!source.cells[at].done && row.first_group + source.cells[at].group == group) return false;
  return true;
}

void open_row(JsonOut& json, std::string_view table) {
  json.open_object();
  json.member("url", kNode, "/row");
  json.key("extension");
  json.open_array();
  if (is_fhir_code(table)) {
    json.open_object();
    json.member("url", "table");
    json.member("valueCode", table);
    json.close_object();
  } else {
    write_name(json, "table", table);
  }
}

void close_row(JsonOut& json) {
  json.close_array();
  json.close_object();
}

/// `uuid` for what looks like one, but never beside the root row's own table: there it would name the root row.
void write_key(JsonOut& json, const SourceRow& row, std::string_view root_table) {
  const bool is_uuid = row.key.size() >= 32 && is_fhir_id(row.key) && row.table != root_table;
  write_name(json, is_uuid ? "uuid" : "key", row.key);
}

Result<std::string_view> read_name(JsonView extension) {
  const auto member = value_of(extension);
  if (member && member->value.kind() == JsonKind::truth) return std::string_view();
  if (member && member->name == "valueCode" && member->value.is_text()) return member->value.text();
  return read_cell(extension);
}

}  // namespace

void write_untold(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone) {
  if (!has_untold(source, row)) return;
  JsonOut& json = out.begin();
  open_row(json, row.table);
  if (row.has_key) write_key(json, row, source.rows.front().table);
  write_default_cells(json, source, row, zone);
  write_other_groups(json, source, row, zone);
  close_row(json);
}

void write_audit(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone, std::string_view name) {
  bool open = false;
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at) {
    SourceCell& cell = source.cells[at];
    if (cell.done || !cell.is_default || cell.fact == nullptr || cell.fact->audit.empty()) continue;
    JsonOut& json = out.begin();
    if (!open) {
      json.open_object();
      json.member("url", kNode, name);
      json.key("extension");
      json.open_array();
      open = true;
    }
    write_cell(json, {}, cell.fact->audit, cell.fact->form, cell.fact->target, cell.text, zone);
    source.tell(row, cell);
  }
  if (open) close_row(out.begin());
}

void write_columns(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone, std::string_view exact) {
  if (!is_plain_table(row.table)) return;
  const std::string exact_url = std::string(kNode) + "/exact/";
  std::string url(kNode);
  url.append("/").append(row.table).append("/");
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at) {
    SourceCell& cell = source.cells[at];
    if (cell.done || !cell.is_default) continue;
    const bool is_exact = !exact.empty() && has_word(exact, cell.column);
    write_cell(out.begin(), is_exact ? exact_url : url, cell.column, cell.form(), cell.target(), cell.text, zone);
    source.tell(row, cell);
  }
}

void write_groups(ExtensionsOut& out, Source& source, const SourceRow& row, std::string_view prefix) {
  std::string names;
  for (std::size_t at = row.first_group; at < row.end_group; ++at) {
    SourceGroup& group = source.groups[at];
    if (group.told || group.is_main || !is_plain_name(group.name) || !is_bare(source, row, at)) continue;
    if (!names.empty()) names.push_back(' ');
    names.append(prefix).append(group.name);
    group.told = true;
  }
  if (!names.empty()) write_cell(out.begin(), kNode, "/groups", Form::text, {}, names, Zone());
}

bool is_regular(const Source& source, const SourceRow& row) {
  for (std::size_t at = row.first_group; at < row.end_group; ++at) {
    const SourceGroup& group = source.groups[at];
    if (!group.is_main && group.name != "life" && group.name != "changed") return false;
  }
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at)
    if (!source.cells[at].is_default) return false;
  return is_plain_table(row.table);
}

void write_opaque(ExtensionsOut& out, const Source& source) {
  for (const auto* group : source.opaque) {
    JsonOut& json = out.begin();
    json.open_object();
    json.member("url", kNode, "/group");
    json.key("extension");
    json.open_array();
    write_name(json, "name", group->first);
    write_cell(json, "bytes", {}, Form::text, {}, group->second, Zone());
    close_row(json);
  }
}

void RowReader::add(std::string_view column, std::string_view text) {
  cells_.push_back({column, text, entered_ ? *entered_ : default_index(column), false});
}

void RowReader::enter(std::string_view group) { entered_ = group_index(group, !is_root_ && group.empty()); }

void RowReader::add_element(std::string_view column, std::string_view text) {
  cells_.push_back({column, text, default_index(column), true});
}

bool RowReader::has(std::string_view column, std::string_view text) const noexcept {
  return std::any_of(cells_.begin(), cells_.end(),
                     [&](const Cell& cell) { return cell.column == column && cell.text == text; });
}

std::uint16_t RowReader::group_index(std::string_view name, bool is_main) {
  for (std::size_t at = 0; at < groups_.size(); ++at)
    if (groups_[at].name == name && groups_[at].is_main == is_main) return static_cast<std::uint16_t>(at);
  groups_.push_back({name, is_main});
  return static_cast<std::uint16_t>(groups_.size() - 1);
}

std::uint16_t RowReader::default_index(std::string_view column) {
  const std::string_view group = facts_->default_group(column);
  return group_index(group, !is_root_ && group.empty());
}

void RowReader::drop_overridden_elements() {
  const auto overridden = [&](const Cell& element) {
    return element.is_element && std::any_of(cells_.begin(), cells_.end(), [&](const Cell& cell) {
             return !cell.is_element && cell.column == element.column;
           });
  };
  for (std::size_t at = cells_.size(); at-- > 0;)
    if (overridden(cells_[at])) cells_.erase(cells_.begin() + static_cast<std::ptrdiff_t>(at));
}

Status RowReader::finish(std::string_view prefix, std::map<GroupName, GroupValue>& into) {
  drop_overridden_elements();
  std::sort(cells_.begin(), cells_.end(),
            [](const Cell& a, const Cell& b) { return a.group != b.group ? a.group < b.group : a.column < b.column; });
  auto cell = cells_.begin();
  for (std::size_t at = 0; at < groups_.size(); ++at) {
    std::string value;
    for (std::string_view before; cell != cells_.end() && cell->group == at; ++cell) {
      if (cell->column == before) return malformed("Extension.url", "a column that is there twice");
      before = cell->column;
      append_bytes(value, cell->column);
      append_bytes(value, cell->text);
    }
    std::string name(prefix);
    if (!is_root_ && !groups_[at].is_main) name.push_back('#');
    name.append(groups_[at].name);
    if (!into.emplace(std::move(name), std::move(value)).second)
      return malformed("Extension.url", "a group that is there twice");
  }
  return Done{};
}

Result<RowHead> read_row_head(JsonView extension) {
  const auto children = extension.find("extension");
  if (!children || !children->is_array()) return malformed("Extension", "a row without columns");
  RowHead head;
  bool has_table = false;
  for (const JsonView child : children->items()) {
    const std::string_view url = child.text_of("url");
    if (url == "table") {
      OMRSYNC_TRY(name, read_name(child));
      head.table = name;
      has_table = true;
    } else if (url == "key" || url == "uuid") {
      OMRSYNC_TRY(name, read_name(child));
      head.key = name;
      head.has_key = true;
      head.is_uuid = url == "uuid";
    } else {
      break;
    }
  }
  if (!has_table) return malformed("Extension", "a row without its table");
  return head;
}

Status read_row_cells(JsonView extension, RowReader& reader) {
  for (const JsonView child : extension.find("extension")->items()) {
    const std::string_view url = child.text_of("url");
    if (url.empty()) return malformed("Extension", "no url");
    if (url == "table") continue;
    if (url == "key" || url == "uuid") continue;
    if (url == "group") {
      OMRSYNC_TRY(name, read_name(child));
      reader.enter(name);
      continue;
    }
    OMRSYNC_TRY(cell, read_cell(child));
    reader.add(url.front() == '.' ? url.substr(1) : url, cell);
  }
  reader.leave();
  return Done{};
}

Status read_owned_row(JsonView extension, const RowHead& head, const Facts& facts,
                      std::map<GroupName, GroupValue>& into) {
  RowReader reader(facts.of(head.table, false), false);
  OMRSYNC_CHECK(read_row_cells(extension, reader));
  std::string prefix(head.table);
  if (head.has_key) prefix.append("/").append(head.key);
  return reader.finish(prefix, into);
}

Status read_audit(JsonView extension, RowReader& reader) {
  const auto children = extension.find("extension");
  if (!children || !children->is_array()) return malformed("Extension", "an audit without content");
  for (const JsonView child : children->items()) {
    const std::string_view column = audit_column(child.text_of("url"));
    if (column.empty()) return malformed("Extension.url", "no audit column");
    OMRSYNC_TRY(cell, read_cell(child));
    reader.add(column, cell);
  }
  return Done{};
}

Status read_opaque(JsonView extension, std::map<GroupName, GroupValue>& into) {
  std::optional<std::string_view> name;
  std::optional<std::string_view> bytes;
  const auto children = extension.find("extension");
  if (!children) return malformed("Extension", "a group without content");
  for (const JsonView child : children->items()) {
    if (child.text_of("url") == "name") {
      OMRSYNC_TRY(text, read_name(child));
      name = text;
    } else if (child.text_of("url") == "bytes") {
      OMRSYNC_TRY(cell, read_cell(child));
      bytes = cell;
    }
  }
  if (!name || !bytes) return malformed("Extension", "a group without name or bytes");
  if (!into.emplace(*name, *bytes).second) return malformed("Extension", "a group that is there twice");
  return Done{};
}

}  // namespace omrsync::openmrs::fhir
