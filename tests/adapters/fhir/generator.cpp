#include "tests/adapters/fhir/generator.h"

#include <array>
#include <cstdio>

#include "protocol/cells.h"

namespace omrsync::openmrs {
namespace {

using namespace std::string_literals;

const std::vector<std::string> kNasty = {
    "",
    " ",
    "\t",
    "  two  blanks ",
    "tab\tand\nnewline\r\n",
    "bell\x07"s,
    "nul\0within"s,
    "\xFF\xFE not utf-8"s,
    "\xED\xA0\x80"s,
    "quote\" back\\slash /",
    "\xC2\xA0",
    "\xE2\x80\xAF\xE2\x80\x83",
    "\xF0\x9E\xA4\x80 adlam",
    "\x7F",
    "empty",
    "absent",
    "element",
    "key",
    "Patient/x",
    "NULL",
    "null",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "2024-02-30 10:00:00",
    "2024-00-00",
    "2024-03-31 02:30:00",
    "2024-10-27 02:30:00",
    "1850-01-01 00:00:00",
    "9999-12-31 23:59:59",
    "2024-03-05 10:15:00.123456",
    "2024-03-05T10:15:00+03:00",
    "-838:59:59",
    "24:00:00",
    "1.7976931348623157e308",
    "-0",
    "4.9e-324",
    "1e400",
    "00.5",
    "1.",
    "+1",
    "0.10",
    "2",
    "-1",
    "2147483648",
    "9223372036854775807",
    "123456789012345678901234567890123456789012345678901234567890.12345",
    "male",
    "X",
    "F",
    "FINAL",
    "final",
    "unknown",
    "HIGH",
    "1",
    "0",
    "ABCDEF00-0000-4000-8000-00000000000A",
    "1284AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "with_underscore",
    std::string(3000, 'x'),
};

std::string two(unsigned number) { return std::string{char('0' + number / 10 % 10), char('0' + number % 10)}; }

}  // namespace

Generator::Generator(const Model& model, std::uint64_t seed, unsigned nasty)
    : model_(model), random_(seed), nasty_(nasty) {}

std::string Generator::uuid() {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(random_()),
                below(0x10000), below(0x1000), below(0x1000),
                static_cast<unsigned long long>(random_() & 0xFFFFFFFFFFFFULL));
  return text.data();
}

std::string Generator::text() {
  static const std::array<const char*, 8> kWords = {"Grace", "Okello", "seen at home", "Äther", "አማርኛ",
                                                    "n/a",   "5",      "O'Brien"};
  return kWords[below(8)];
}

std::string Generator::date() { return "20" + two(below(30)) + "-" + two(1 + below(12)) + "-" + two(1 + below(28)); }

std::string Generator::date_time() {
  return date() + " " + two(below(24)) + ":" + two(below(60)) + ":" + two(below(60));
}

std::string Generator::nasty_cell() { return kNasty[below(static_cast<unsigned>(kNasty.size()))]; }

std::string Generator::cell(const std::string& table, const Column& column, const std::string& key) {
  return chance(nasty_) ? nasty_cell() : plain_cell(table, column, key);
}

std::string Generator::plain_cell(const std::string& table, const Column& column, const std::string& key) {
  if (column.name == "uuid") return key;
  if (column.name == "gender") return chance(50) ? "M" : "F";
  if (column.name == "status") return chance(80) ? "FINAL" : "AMENDED";
  if (column.name == "interpretation") return chance(50) ? "HIGH" : "NORMAL";
  const bool is_coordinate = column.name == "latitude" || column.name == "longitude";
  if (table == "location" && is_coordinate) return chance(50) ? "1.25" : "-0.5";
  if (!column.references.empty()) return uuid();
  switch (column.type) {
    case ColumnType::boolean:
      return chance(20) ? "1" : "0";
    case ColumnType::integer:
      return std::to_string(below(100000));
    case ColumnType::real:
    case ColumnType::decimal:
      return std::to_string(below(300)) + (chance(50) ? ".5" : "");
    case ColumnType::date:
      return date();
    case ColumnType::datetime:
      return date_time();
    case ColumnType::time:
      return "10:20:30";
    case ColumnType::text:
    case ColumnType::bytes:
    case ColumnType::bits:
    case ColumnType::other:
      return text();
  }
  return text();
}

void Generator::add_row(Sample& sample, const TablePart& part, const std::string& prefix, const std::string& key) {
  const Table& shape = model_.schema.at(part.table);
  std::map<GroupName, std::map<std::string, std::string>> rows;
  const auto name_of = [&](const std::string& group) {
    if (prefix.empty()) return group;
    return group.empty() ? prefix : prefix + "#" + group;
  };
  for (const ColumnGroup& group : part.groups) {
    rows[name_of(group.name)];
    for (const std::string& name : group.columns) {
      const std::string place = chance(nasty_ / 8) ? "odd" : chance(nasty_ / 8) ? "with space" : group.name;
      const bool is_flag = name == "voided" || name == "retired" || name == "concept_id";
      if (chance(name == "uuid" ? 3 : is_flag ? 97 : 60))
        rows[name_of(place)][name] = cell(part.table, *shape.find(name), key);
    }
  }
  if (chance(nasty_)) rows[name_of(part.groups.front().name)]["site_column"] = nasty_cell();
  for (const auto& [group, cells] : rows) {
    std::vector<NamedCell> named;
    for (const auto& [column, text] : cells) named.push_back({column, text});
    sample.groups[group] = encode_cells(named);
  }
}

void Generator::add_strange_groups(Sample& sample) {
  if (chance(30)) sample.groups["empty"] = "";
  if (chance(20)) sample.groups[nasty_cell()] = encode_cells({{"a", "b"}});
  if (chance(20)) sample.groups["broken"] = "\x05no cells";
  if (chance(20))
    sample.groups["unsorted"] =
        "\x01"
        "b\x01"
        "1\x01"
        "a\x01"
        "2";
  if (chance(20))
    sample.groups["role/" + nasty_cell()] = encode_cells({{"table", "t"}, {"key", nasty_cell()}, {".dot", "1"}});
  if (chance(20)) sample.groups["role/" + nasty_cell() + "#life"] = encode_cells({{"uuid", nasty_cell()}});
  if (chance(20)) sample.groups[sample.root.table + "/"] = encode_cells({{"group", nasty_cell()}});
  if (chance(10)) sample.groups["fhir"] = nasty_cell();
  if (chance(10))
    sample.groups["fhir"] = R"({"language":"fr","extension":[{"url":"http://example.org/x","valueDecimal":1.50}]})";
}

Sample Generator::whole(const std::string& table) {
  Sample sample{{table, uuid()}, {}};
  if (chance(nasty_ / 3)) sample.root.key = nasty_cell();
  for (const Root& root : model_.roots) {
    if (root.root.table != table) continue;
    add_row(sample, root.root, {}, sample.root.key);
    for (const TablePart& part : root.owned) {
      if (part.identity == Identity::owner) {
        if (chance(50)) add_row(sample, part, part.table, {});
        continue;
      }
      for (unsigned count = below(3); count > 0; --count) {
        const std::string key = chance(nasty_ / 3) ? nasty_cell() : uuid();
        add_row(sample, part, part.table + "/" + key, key);
      }
    }
  }
  if (chance(nasty_)) add_strange_groups(sample);
  return sample;
}

Sample Generator::fragment(const std::string& table) {
  Sample sample = whole(table);
  std::erase_if(sample.groups, [this](const auto&) { return chance(60); });
  return sample;
}

}  // namespace omrsync::openmrs
