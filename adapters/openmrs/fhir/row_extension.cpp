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
  if (cell.fact != nullptr) {
    write_cell(json, dot, cell.column, cell.fact->form, cell.fact->target, cell.text, zone);
  } else {
    write_cell(json, dot, cell.column, Form::text, {}, cell.text, zone);
  }
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
  OMRSYNC_TRY(cell, read_cell(extension));
  if (cell.in_element) return malformed("Extension.value[x]", "not a name");
  return cell.text;
}

}  // namespace

void write_root_extensions(ExtensionsOut& out, Source& source, const Zone& zone) {
  const SourceRow& row = source.rows.front();
  write_audit(out, source, row, zone);
  if (!has_untold(source, row)) return;
  JsonOut& json = out.begin();
  open_row(json, row.table);
  write_default_cells(json, source, row, zone);
  write_other_groups(json, source, row, zone);
  close_row(json);
}

void write_owned_row(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone) {
  JsonOut& json = out.begin();
  open_row(json, row.table);
  if (row.has_key) write_key(json, row, source.rows.front().table);
  write_default_cells(json, source, row, zone);
  write_other_groups(json, source, row, zone);
  close_row(json);
}

void write_audit(ExtensionsOut& out, Source& source, const SourceRow& row, const Zone& zone) {
  bool open = false;
  for (std::size_t at = row.first_cell; at < row.end_cell; ++at) {
    SourceCell& cell = source.cells[at];
    if (cell.done || !cell.is_default || cell.fact == nullptr || cell.fact->audit.empty()) continue;
    JsonOut& json = out.begin();
    if (!open) {
      json.open_object();
      json.member("url", kNode, "/audit");
      json.key("extension");
      json.open_array();
      open = true;
    }
    write_cell(json, {}, cell.fact->audit, cell.fact->form, cell.fact->target, cell.text, zone);
    source.tell(row, cell);
  }
  if (open) close_row(out.begin());
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

Status RowReader::add(std::string_view column, CellText cell) {
  const std::uint16_t group = entered_ ? *entered_ : default_index(column);
  if (!cell.in_element) {
    cells_.push_back({column, cell.text, group});
    return Done{};
  }
  for (Element& element : elements_) {
    if (element.column != column || element.done) continue;
    element.done = true;
    cells_.push_back({column, element.text, group});
    return Done{};
  }
  return malformed("Extension.valueCode", "an element that is not there");
}

void RowReader::enter(std::string_view group) { entered_ = group_index(group, !is_root_ && group.empty()); }

void RowReader::add_element(std::string_view column, std::string_view text) {
  elements_.push_back({column, text, false});
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

Status RowReader::finish(std::string_view prefix, std::map<GroupName, GroupValue>& into) {
  for (const Element& element : elements_)
    if (!element.done) cells_.push_back({element.column, element.text, default_index(element.column)});
  std::sort(cells_.begin(), cells_.end(), [](const Cell& a, const Cell& b) {
    return a.group != b.group ? a.group < b.group : a.column < b.column;
  });
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
    OMRSYNC_CHECK(reader.add(url.front() == '.' ? url.substr(1) : url, cell));
  }
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
    OMRSYNC_CHECK(reader.add(column, cell));
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
      bytes = cell.text;
    }
  }
  if (!name || !bytes) return malformed("Extension", "a group without name or bytes");
  if (!into.emplace(*name, *bytes).second) return malformed("Extension", "a group that is there twice");
  return Done{};
}

}  // namespace omrsync::openmrs::fhir
