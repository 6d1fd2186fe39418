// The configuration's TOML; a policy's is read in policy_file.cpp.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "node/app/config_raw.h"

namespace omrsync::app {
namespace {

RawValue raw_value(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* real = node.as_floating_point()) return real->get();
  if (const auto* yes = node.as_boolean()) return yes->get();
  const auto* list = node.as_array();
  if (list == nullptr) return std::monostate{};
  std::vector<std::string> texts;
  for (const toml::node& element : *list) {
    const auto* text = element.as_string();
    if (text == nullptr) return std::monostate{};
    texts.push_back(text->get());
  }
  return texts;
}

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

void read_table(const toml::table& table, const std::string& section, RawConfig& raw) {
  for (auto&& [key, node] : table) {
    const std::string path = section.empty() ? std::string(key.str()) : section + "." + std::string(key.str());
    if (const toml::table* inner = node.as_table()) {
      raw.sections.push_back({path, static_cast<int>(key.source().begin.line)});
      read_table(*inner, path, raw);
    } else {
      raw.entries.push_back({path, raw_value(node), line_of(node)});
    }
  }
}

}  // namespace

RawConfig raw_from_toml(std::string_view text) {
  RawConfig raw;
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    raw.mistakes.push_back({static_cast<int>(error.source().begin.line), "", std::string(error.description()),
                            "Correct the line; texts stand in quotes, sections in [brackets]."});
    return raw;
  }
  read_table(parsed.table(), "", raw);
  return raw;
}

}  // namespace omrsync::app
