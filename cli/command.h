#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "protocol/result.h"

namespace omrsync::cli {

/// An option of one command. `value` empty: a flag.
struct OptionSpec {
  std::string_view names;  ///< "--state" or "-s,--state"; the last name is the one that Arguments knows
  std::string_view value;  ///< what stands for the value in the help text
  std::string_view help;
  bool required = false;
  bool many = false;  ///< may stand several times; else the last one counts
};

struct OperandSpec {
  std::string_view name;
  std::string_view help;
  bool required = true;
  bool many = false;
};

/// What was typed behind a command, checked against its spec.
class Arguments {
 public:
  void add(std::string_view name, std::vector<std::string> values) { values_[std::string(name)] = std::move(values); }

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(std::string(name)); }
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const {
    const auto found = values_.find(std::string(name));
    if (found == values_.end() || found->second.empty()) return std::nullopt;
    return found->second.front();
  }
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const {
    const auto found = values_.find(std::string(name));
    return found == values_.end() ? std::vector<std::string>{} : found->second;
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// What was typed before or among any command.
struct GlobalOptions {
  std::optional<std::string> config;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  bool no_input = false;
  bool yes = false;
  bool dry_run = false;
};

/// What a command may use.
struct Context {
  const GlobalOptions& options;
  Output& out;

  /// The configuration file that counts: --config, else $OMRSYNC_CONFIG, else /etc/omrsync/omrsync.toml.
  [[nodiscard]] std::filesystem::path config_file() const;
};

/// One command of the tool: help, parser and manual are made from this.
struct CommandSpec {
  std::string_view path;     ///< "queue ls"
  std::string_view summary;  ///< one sentence
  std::string_view example;  ///< a line that works as it stands
  std::vector<OptionSpec> options;
  std::vector<OperandSpec> operands;
  Result<int> (*run)(Context& context, const Arguments& arguments);  ///< the exit code
};

/// Every command, in the order in which help lists them.
[[nodiscard]] const std::vector<CommandSpec>& all_commands();

}  // namespace omrsync::cli
