#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/app/config.h"
#include "node/app/config_keys.h"

namespace omrsync::app {

/// A value as it stands in the file; monostate: a type that no key has (a date, a list of numbers).
using RawValue = std::variant<std::monostate, std::string, std::int64_t, double, bool, std::vector<std::string>>;

struct RawEntry {
  std::string key;
  RawValue value;
  int line = 0;
};

struct RawSection {
  std::string name;
  int line = 0;
};

/// A file that was read and not yet understood.
struct RawConfig {
  std::vector<RawSection> sections;
  std::vector<RawEntry> entries;
  std::vector<Mistake> mistakes;  ///< of its syntax
};

[[nodiscard]] RawConfig raw_from_toml(std::string_view text);
[[nodiscard]] RawConfig raw_from_json(const Json& document);
[[nodiscard]] Json json_from_raw(const RawConfig& raw);

/// Adds the keys that have a default and do not stand in a section that does.
void add_defaults(RawConfig& raw);

/// The value as its kind has it, paths made absolute in `folder`; or why not, as a sentence's end ("needs a unit;
/// ...").
[[nodiscard]] Result<Value> parse_value(const KeySpec& key, const RawValue& value, const std::filesystem::path& folder);

/// Builds the configuration or lists every mistake. `file` gives the folder and the name in messages.
[[nodiscard]] Checked build_config(const RawConfig& raw, const std::filesystem::path& file);

}  // namespace omrsync::app
