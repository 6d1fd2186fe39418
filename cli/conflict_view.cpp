#include "cli/conflict_view.h"

#include <algorithm>
#include <set>

#include "node/admin/words.h"
#include "protocol/cells.h"

namespace omrsync::cli {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kIndent = 9;

/// Text in lines of the terminal's width, cut between characters, after `first`, the rest indented.
void wrap(std::vector<std::string>& lines, std::string first, std::string_view text) {
  first.resize(std::max(first.size(), kIndent), ' ');
  std::string line = std::move(first);
  std::size_t columns = line.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (begins && columns == kWidth) {
      lines.push_back(line);
      line.assign(kIndent, ' ');
      columns = kIndent;
    }
    columns += begins ? 1 : 0;
    line.push_back(text[i] == '\n' ? ' ' : text[i]);
  }
  lines.push_back(line);
}

std::string mark(std::size_t place, bool shown) { return "  " + std::to_string(place + 1) + (shown ? " *" : ""); }

std::string text_of(const std::optional<GroupValue>& value, bool known, bool deleted, const std::string& field) {
  if (deleted) return "(removed)";
  if (!known || !value) return "(in the database; --reveal shows it)";
  const auto text = find_cell(*value, field);
  return text ? std::string(*text) : "-";
}

void add_sides(std::vector<std::string>& lines, const admin::Conflict& conflict) {
  lines.emplace_back("");
  for (std::size_t i = 0; i < conflict.sides.size(); ++i) {
    const admin::ConflictSide& side = conflict.sides[i];
    std::string text = side.site;
    if (side.at_ms != 0) text += ", " + admin::time_text(side.at_ms);
    if (!side.author.empty()) text += ", by " + side.author;
    wrap(lines, mark(i, side.shown), text);
  }
  lines.emplace_back("  * is what everybody sees now");
}

void add_fields(std::vector<std::string>& lines, const admin::Conflict& conflict) {
  std::set<std::string> names;
  const auto collect = [&](const std::optional<GroupValue>& value) {
    for (auto& [name, text] : fields_of(value)) names.insert(name);
  };
  for (const admin::ConflictSide& side : conflict.sides) collect(side.value);
  if (conflict.record.base) collect(*conflict.record.base);
  if (names.empty()) names.insert(conflict.record.group);
  for (const std::string& name : names) {
    lines.emplace_back("");
    lines.push_back(name);
    if (const auto& base = conflict.record.base) wrap(lines, "  base", text_of(*base, true, !*base, name));
    for (std::size_t i = 0; i < conflict.sides.size(); ++i) {
      const admin::ConflictSide& side = conflict.sides[i];
      wrap(lines, mark(i, side.shown), text_of(side.value, side.value.has_value(), side.deleted, name));
    }
  }
}

void add_decision(std::vector<std::string>& lines, const node::ConflictRecord& record) {
  if (record.open) {
    if (!record.rule.empty()) wrap(lines, "why:", record.rule);
    return;
  }
  const bool written = record.decided_by == "write";
  std::string text =
      written ? "written anew by somebody who had seen all sides"
              : "by " + (record.decided_by == "user" ? (record.user.empty() ? "a person" : record.user) : "rule") +
                    ": " + record.rule;
  text += ", " + admin::time_text(record.decided_ms);
  wrap(lines, "decided", text);
  if (!record.reason.empty()) wrap(lines, "because", record.reason);
  if (record.undone) wrap(lines, "undone", admin::time_text(record.undone_ms));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> fields_of(const std::optional<GroupValue>& value) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (value) for_each_cell(*value, [&](NamedCell cell) { fields.emplace_back(cell.column, cell.text); });
  return fields;
}

std::vector<std::string> conflict_view(const admin::Conflict& conflict, bool revealed) {
  const node::ConflictRecord& record = conflict.record;
  std::vector<std::string> lines;
  wrap(lines, "conflict",
       record.id + ", " + (record.open ? "open since " : "opened ") + admin::time_text(record.opened_ms));
  wrap(lines, "of", admin::resource_of(record.root));
  wrap(lines, "field", record.group + (record.kind == "field" ? "" : " (" + record.kind + ")"));
  wrap(lines, "policy", record.policy.empty() ? "safe" : record.policy);
  add_decision(lines, record);
  if (conflict.waits) wrap(lines, "waits", "a decision was given; the node writes it when it runs");
  for (const RootKey& root : record.referrers) wrap(lines, "named by", root.table + "/" + root.key);
  if (conflict.sides.empty()) return lines;
  add_sides(lines, conflict);
  if (revealed) {
    add_fields(lines, conflict);
  } else {
    lines.emplace_back("");
    for (std::size_t i = 0; i < conflict.sides.size(); ++i)
      wrap(lines, mark(i, conflict.sides[i].shown),
           conflict.sides[i].deleted ? "(removed)" : "digest " + conflict.sides[i].digest);
  }
  return lines;
}

}  // namespace omrsync::cli
