#include "cli/commands.h"

#include <cstdlib>

namespace omrsync::cli {

std::filesystem::path Context::config_file() const {
  if (options.config) return std::filesystem::absolute(*options.config).lexically_normal();
  const char* named = std::getenv("OMRSYNC_CONFIG");
  if (named != nullptr && *named != '\0') return std::filesystem::absolute(named).lexically_normal();
  return "/etc/omrsync/omrsync.toml";
}

const std::vector<CommandSpec>& all_commands() {
  static const std::vector<CommandSpec> commands = [] {
    std::vector<CommandSpec> all;
    for (const auto& some : {init_commands(), run_commands(), node_commands(), enrol_commands(), queue_commands(),
                             conflict_commands(), resolve_commands(), policy_commands(), usb_commands(),
                             database_commands(), audit_commands(), config_commands(), general_commands()})
      all.insert(all.end(), some.begin(), some.end());
    return all;
  }();
  return commands;
}

}  // namespace omrsync::cli
