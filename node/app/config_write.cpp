#include <algorithm>

#include "node/app/config_raw.h"

namespace omrsync::app {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

struct AsToml {
  std::string operator()(std::monostate) const { return "\"\""; }
  std::string operator()(const std::string& text) const { return in_quotes(text); }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return std::to_string(number); }
  std::string operator()(bool yes) const { return yes ? "true" : "false"; }
  std::string operator()(const std::vector<std::string>& list) const {
    std::string out = "[";
    for (const std::string& text : list) out += (out.size() > 1 ? ", " : "") + in_quotes(text);
    return out + "]";
  }
};

/// One line of a key, padded so that the comments stand in a column.
std::string toml_line(const KeySpec& key, const RawValue* value) {
  std::string line;
  if (value != nullptr) {
    line = std::string(name_in_section(key.key)) + " = " + std::visit(AsToml{}, *value);
  } else {
    const std::string_view shown = key.fallback.empty() ? key.example : key.fallback;
    const bool bare = key.kind == Kind::port || key.kind == Kind::list;
    line = "# " + std::string(name_in_section(key.key)) + " = " + (bare ? std::string(shown) : in_quotes(shown));
  }
  line.resize(std::max<std::size_t>(line.size() + 2, 44), ' ');
  return line + "# " + std::string(key.sentence) + "\n";
}

}  // namespace

std::string config_as_toml(const Json& document) {
  const RawConfig raw = raw_from_json(document);
  std::string out =
      "# Configuration of an omrsync node. 'omrsync config explain KEY' says more, 'omrsync config check' finds "
      "mistakes.\n"
      "# Lines that begin with # show what could be said: a default or an example.\n";
  for (const SectionSpec& section : all_sections()) {
    const bool there = std::any_of(raw.sections.begin(), raw.sections.end(),
                                   [&](const RawSection& s) { return s.name == section.name; });
    out += "\n# " + std::string(section.sentence) + "\n" + (there ? "[" : "# [") + std::string(section.name) + "]\n";
    for (const KeySpec& key : all_keys()) {
      if (section_of(key.key) != section.name) continue;
      const auto entry =
          std::find_if(raw.entries.begin(), raw.entries.end(), [&](const RawEntry& e) { return e.key == key.key; });
      out += toml_line(key, entry == raw.entries.end() ? nullptr : &entry->value);
    }
  }
  return out;
}

}  // namespace omrsync::app
