#include "node/app/config.h"

#include <algorithm>

#include "adapters/system/files.h"
#include "node/app/config_raw.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_config(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) {
    return Error{Remedy::stop_node, Code::config_missing,
                 "There is no configuration file " + fs::absolute(file).string() + "."};
  }
  return system::read_file(file);
}

/// RFC 7386: members replace, null removes, objects go down.
void merge(Json& target, const Json& patch) {
  if (target.object() == nullptr) target = Json::Object{};
  for (const auto& [key, value] : *patch.object()) {
    Json::Object kept;
    Json merged;
    for (const auto& [name, member] : *target.object()) {
      if (name == key) merged = member;
      if (name != key || !value.is_null()) kept.emplace_back(name, member);
    }
    target = Json(std::move(kept));
    if (value.is_null()) continue;
    if (value.object() != nullptr) {
      merge(merged, value);
    } else {
      merged = value;
    }
    target.set(key, std::move(merged));
  }
}

}  // namespace

Json value_at(const Json& document, std::string_view key) {
  const auto dot = key.find('.');
  const Json* member = document.find(key.substr(0, dot));
  if (member == nullptr || dot == std::string_view::npos) return member == nullptr ? Json() : *member;
  return value_at(*member, key.substr(dot + 1));
}

std::string to_string(const Mistake& mistake, const fs::path& file) {
  std::string text = file.string();
  if (mistake.line > 0) text += ":" + std::to_string(mistake.line);
  text += ": " + (mistake.key.empty() ? std::string() : mistake.key + " ") + mistake.fault + ".";
  return mistake.remedy.empty() ? text : text + " " + mistake.remedy;
}

Result<Checked> load_config(const fs::path& file) {
  OMRSYNC_TRY(text, read_config(file));
  return build_config(raw_from_toml(text), file);
}

Result<Config> load_valid_config(const fs::path& file) {
  OMRSYNC_TRY(checked, load_config(file));
  if (checked.config) return std::move(*checked.config);
  std::string all;
  for (const Mistake& mistake : checked.mistakes) all += (all.empty() ? "" : "\n") + to_string(mistake, file);
  return Error{Remedy::stop_node, Code::config_invalid, all};
}

Result<Json> config_as_json(const fs::path& file, bool with_defaults) {
  OMRSYNC_TRY(text, read_config(file));
  RawConfig raw = raw_from_toml(text);
  if (!raw.mistakes.empty())
    return Error{Remedy::stop_node, Code::config_invalid, to_string(raw.mistakes.front(), file)};
  if (with_defaults) add_defaults(raw);
  return json_from_raw(raw);
}

Result<std::vector<Mistake>> set_config(const fs::path& file, const Json& document, bool merging, bool only_try) {
  OMRSYNC_TRY(before, read_config(file));
  Json wanted = document;
  if (merging && document.object() != nullptr) {
    wanted = json_from_raw(raw_from_toml(before));
    merge(wanted, document);
  }
  Checked checked = check_config(wanted, file);
  if (!checked.config) return std::move(checked.mistakes);
  if (only_try) return std::vector<Mistake>{};
  OMRSYNC_CHECK(system::write_file_atomically(file.string() + ".previous", before, 0600));
  OMRSYNC_CHECK(system::write_file_atomically(file, config_as_toml(wanted), 0600));
  return std::vector<Mistake>{};
}

Checked check_config(const Json& document, const fs::path& file) { return build_config(raw_from_json(document), file); }

std::vector<std::string> keys_that_need_a_start(const Config& now, const Config& then) {
  std::vector<std::string> keys;
  for (const KeySpec& key : all_keys())
    if (!key.reloads && value_at(now.document, key.key) != value_at(then.document, key.key)) keys.emplace_back(key.key);
  return keys;
}

}  // namespace omrsync::app
