#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "node/app/config.h"

namespace omrsync::app {

/// What a value must look like.
enum class Kind {
  text,
  name,         ///< lower-case letters, digits and hyphens, at most 32
  timezone,     ///< "Africa/Nairobi"
  path,         ///< relative to the configuration file's folder
  secret_file,  ///< a path; the file is there and only its owner may read it
  duration,
  rate_plan,
  window,
  port,
  address,  ///< host:port
  https_url,
  http_url,
  store_url,
  choice,      ///< one of KeySpec::choices
  identifier,  ///< of SQL: letters, digits, underscores, dollar signs
  list,        ///< of SQL identifiers
};

/// A value that has passed its kind's check.
using Value = std::variant<std::string, std::filesystem::path, std::chrono::milliseconds, std::uint16_t, RatePlan,
                           Window, std::vector<std::string>>;

/// Everything there is to say about a key. Parser, `config explain`, the file that `init` writes and
/// docs/configuration.md read this one table.
struct KeySpec {
  std::string_view key;  ///< "parent.push"; before the last dot: the section
  Kind kind;
  bool required;              ///< in a file that has the section ([node] and [store] always count as there)
  std::string_view fallback;  ///< as it would be written; empty: none
  std::string_view choices;   ///< with blanks between
  std::string_view example;
  std::string_view sentence;
  bool reloads;  ///< a running node takes up a new value without a start
  void (*set)(Config&, const Value&);
};

struct SectionSpec {
  std::string_view name;
  std::string_view sentence;
};

[[nodiscard]] std::span<const KeySpec> all_keys() noexcept;
[[nodiscard]] std::span<const SectionSpec> all_sections() noexcept;
[[nodiscard]] const KeySpec* find_key(std::string_view key) noexcept;
[[nodiscard]] std::string_view section_of(std::string_view key) noexcept;
[[nodiscard]] std::string_view name_in_section(std::string_view key) noexcept;

/// "duration", "file path" and so on, for people.
[[nodiscard]] std::string_view kind_name(Kind kind) noexcept;

/// Paragraphs for `config explain KEY`: what it is, its type, default and an example.
[[nodiscard]] std::string explain(const KeySpec& key);

/// The reference page docs/configuration.md.
[[nodiscard]] std::string reference_page();

}  // namespace omrsync::app
