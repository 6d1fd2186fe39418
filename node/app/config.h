#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "node/app/units.h"
#include "protocol/json.h"
#include "protocol/result.h"

namespace omrsync::app {

struct NodeConfig {
  std::string name;
  std::filesystem::path state_dir;
  std::string timezone;
};

struct RestConfig {
  std::string url;
  std::string user;
  std::filesystem::path password_file;
};

struct OpenmrsConfig {
  std::string host;
  std::uint16_t port = 0;
  std::filesystem::path socket;  ///< empty: host and port
  std::string database;
  std::string user;
  std::filesystem::path password_file;  ///< empty: no password
  std::string capture;
  std::string marker_schema;  ///< never empty
  std::filesystem::path tls_ca;
  std::string tls_server_name;
  std::optional<RestConfig> rest;
};

struct ParentConfig {
  std::string url;
  std::chrono::milliseconds push{};
  std::chrono::milliseconds pull{};
  RatePlan max_rate;
  Window window;
};

struct ListenConfig {
  std::string address;
  std::string url;  ///< by which children reach it; empty: https://<address>
  std::chrono::milliseconds certificate_life{};
};

/// The whole configuration of a node, read once and never changed. Paths are absolute.
struct Config {
  std::filesystem::path file;
  NodeConfig node;
  std::optional<OpenmrsConfig> openmrs;  ///< absent: a parent that is a FHIR repository only
  std::filesystem::path store_file;      ///< the SQLite file of [store] url
  std::optional<ParentConfig> parent;    ///< absent: the root
  std::string link_client;
  std::optional<ListenConfig> listen;  ///< absent: a leaf
  std::optional<std::string> console_address;
  std::vector<std::string> excluded_tables;
  std::filesystem::path policy_file;  ///< empty: the default policy
  std::chrono::milliseconds unseen_window{};
  std::string log_level;
  Json document;  ///< what stood in the file, with the defaults of the sections that stand there

  [[nodiscard]] std::string_view role() const noexcept { return !parent ? "parent" : listen ? "district" : "child"; }
};

/// One thing that is wrong with a configuration file.
struct Mistake {
  int line = 0;     ///< 0: the whole file
  std::string key;  ///< "parent.push"; empty: the whole file
  std::string fault;
  std::string remedy;
};

/// "omrsync.toml:12: parent.push needs a unit. Write it like "1min"."
[[nodiscard]] std::string to_string(const Mistake& mistake, const std::filesystem::path& file);

/// A configuration, or everything that is wrong with it.
struct Checked {
  std::optional<Config> config;
  std::vector<Mistake> mistakes;  ///< empty exactly when `config` is there
};

/// The configuration in `file`. `config_missing` when there is no such file, `file_unreadable` when it cannot be read.
[[nodiscard]] Result<Checked> load_config(const std::filesystem::path& file);

/// Like `load_config`, with the mistakes as one `config_invalid` failure, one mistake a line.
[[nodiscard]] Result<Config> load_valid_config(const std::filesystem::path& file);

/// The file as JSON, keys that stand in it only; `with_defaults`: every key of the sections that stand in it.
[[nodiscard]] Result<Json> config_as_json(const std::filesystem::path& file, bool with_defaults);

/// Replaces the file by `document` (the shape of `config_as_json`), or with `merge` only the keys that it names (null
/// removes one). Checked as a whole first: on any mistake the file stays as it is, byte for byte. What stood there
/// before is kept beside it as FILE.previous. `only_try`: nothing is written.
[[nodiscard]] Result<std::vector<Mistake>> set_config(const std::filesystem::path& file, const Json& document,
                                                      bool merge, bool only_try = false);

/// The value of "parent.push" in a document of that shape; null when it is not there.
[[nodiscard]] Json value_at(const Json& document, std::string_view key);

/// What `document` would be as a commented file of mode 0600; for `init`, which has checked the answers.
[[nodiscard]] std::string config_as_toml(const Json& document);

/// Mistakes of `document` as if it stood in `file`; lines are 0.
[[nodiscard]] Checked check_config(const Json& document, const std::filesystem::path& file);

/// Keys whose new value only a new start takes up; the others are taken up by a reload.
[[nodiscard]] std::vector<std::string> keys_that_need_a_start(const Config& now, const Config& then);

}  // namespace omrsync::app
