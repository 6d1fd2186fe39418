#include <algorithm>
#include <array>

#include "node/admin/suggest.h"
#include "node/app/config_raw.h"

namespace omrsync::app {
namespace {

std::vector<std::string> names_of_keys() {
  std::vector<std::string> names;
  for (const KeySpec& key : all_keys()) names.emplace_back(key.key);
  return names;
}

std::vector<std::string> names_of_sections() {
  std::vector<std::string> names;
  for (const SectionSpec& section : all_sections()) names.emplace_back(section.name);
  return names;
}

class Builder {
 public:
  Builder(const RawConfig& raw, const std::filesystem::path& file) : raw_(raw), folder_(file.parent_path()) {
    config_.file = file;
  }

  Checked build() {
    refuse_unknown_sections();
    for (const RawEntry& entry : raw_.entries) take(entry);
    for (const KeySpec& key : all_keys()) complete(key);
    check_together();
    if (!mistakes_.empty()) {
      std::stable_sort(mistakes_.begin(), mistakes_.end(),
                       [](const auto& a, const auto& b) { return a.line < b.line; });
      return {std::nullopt, std::move(mistakes_)};
    }
    return {std::move(config_), {}};
  }

 private:
  void mistake(int line, std::string_view key, std::string fault, std::string remedy) {
    mistakes_.push_back({line, std::string(key), std::move(fault), std::move(remedy)});
  }

  bool has_section(std::string_view name) const {
    if (name == "node" || name == "store" || name == "link" || name == "apply" || name == "log") return true;
    return std::any_of(raw_.sections.begin(), raw_.sections.end(), [&](const auto& s) { return s.name == name; });
  }

  const RawEntry* entry(std::string_view key) const {
    const auto found =
        std::find_if(raw_.entries.begin(), raw_.entries.end(), [&](const RawEntry& e) { return e.key == key; });
    return found == raw_.entries.end() ? nullptr : &*found;
  }

  int line_of_section(std::string_view name) const {
    for (const RawSection& section : raw_.sections)
      if (section.name == name) return section.line;
    return 0;
  }

  void refuse_unknown_sections() {
    const auto known = names_of_sections();
    for (const RawSection& section : raw_.sections) {
      if (std::find(known.begin(), known.end(), section.name) != known.end()) continue;
      const auto near = admin::suggest(section.name, known);
      mistake(section.line, section.name, "is no section that omrsync knows",
              near ? "Did you mean [" + *near + "]?" : "Remove it; docs/configuration.md lists all sections.");
      unknown_.push_back(section.name);
    }
  }

  bool in_unknown_section(const std::string& key) const {
    return std::find(unknown_.begin(), unknown_.end(), section_of(key)) != unknown_.end();
  }

  void take(const RawEntry& entry) {
    const KeySpec* key = find_key(entry.key);
    if (key == nullptr) {
      if (in_unknown_section(entry.key)) return;
      const auto near = admin::suggest(entry.key, names_of_keys());
      mistake(entry.line, entry.key, "is no key that omrsync knows",
              near ? "Did you mean " + *near + "?" : "Remove it; docs/configuration.md lists all keys.");
      return;
    }
    const auto value = parse_value(*key, entry.value, folder_);
    if (value) {
      key->set(config_, *value);
    } else {
      mistake(entry.line, entry.key, value.error().message, "See 'omrsync config explain " + entry.key + "'.");
    }
  }

  /// The default of a key that does not stand in a section that does.
  void complete(const KeySpec& key) {
    const std::string_view section = section_of(key.key);
    if (entry(key.key) != nullptr || !has_section(section)) return;
    if (key.required) {
      mistake(line_of_section(section), key.key, "is missing",
              "Add " + std::string(name_in_section(key.key)) + " to [" + std::string(section) + "], such as \"" +
                  std::string(key.example) + "\".");
    } else if (!key.fallback.empty()) {
      RawValue fallback = std::string(key.fallback);
      if (key.kind == Kind::port) fallback = static_cast<std::int64_t>(std::stoi(std::string(key.fallback)));
      const auto value = parse_value(key, fallback, folder_);
      if (value) key.set(config_, *value);
    }
  }

  void check_together() {
    if (const RawEntry* socket = entry("openmrs.socket"); socket != nullptr && entry("openmrs.host") != nullptr)
      mistake(socket->line, "openmrs.socket", "stands beside openmrs.host", "Keep one of the two.");
    if (config_.openmrs && config_.openmrs->marker_schema.empty())
      config_.openmrs->marker_schema = "omrsync_" + config_.openmrs->database;
    if (config_.openmrs && config_.openmrs->marker_schema == config_.openmrs->database &&
        !config_.openmrs->database.empty())
      mistake(entry("openmrs.marker_schema")->line, "openmrs.marker_schema", "is OpenMRS's own schema",
              "Name another one; omrsync leaves OpenMRS's schema as it is.");
    if (config_.console_address && !is_loopback(*config_.console_address))
      mistake(entry("console.address")->line, "console.address", "can be reached from other machines without TLS",
              "Use 127.0.0.1, and a tunnel from elsewhere.");
  }

  static bool is_loopback(std::string_view address) {
    return address.starts_with("127.") || address.starts_with("localhost:") || address.starts_with("[::1]:");
  }

  const RawConfig& raw_;
  std::filesystem::path folder_;
  Config config_;
  std::vector<Mistake> mistakes_;
  std::vector<std::string> unknown_;
};

}  // namespace

Checked build_config(const RawConfig& raw, const std::filesystem::path& file) {
  if (!raw.mistakes.empty()) return {std::nullopt, raw.mistakes};
  Checked checked = Builder(raw, std::filesystem::absolute(file).lexically_normal()).build();
  if (checked.config) {
    RawConfig complete = raw;
    add_defaults(complete);
    checked.config->document = json_from_raw(complete);
  }
  return checked;
}

void add_defaults(RawConfig& raw) {
  std::vector<RawEntry> added;
  for (const KeySpec& key : all_keys()) {
    const auto here = [&](const auto& items, std::string_view name, auto member) {
      return std::any_of(items.begin(), items.end(), [&](const auto& item) { return item.*member == name; });
    };
    const bool section = here(raw.sections, section_of(key.key), &RawSection::name);
    if (!section || key.fallback.empty() || here(raw.entries, key.key, &RawEntry::key)) continue;
    if (key.key == "openmrs.host" && here(raw.entries, "openmrs.socket", &RawEntry::key)) continue;
    RawValue value = std::string(key.fallback);
    if (key.kind == Kind::port) value = static_cast<std::int64_t>(std::stoi(std::string(key.fallback)));
    added.push_back({std::string(key.key), std::move(value), 0});
  }
  raw.entries.insert(raw.entries.end(), added.begin(), added.end());
}

}  // namespace omrsync::app
