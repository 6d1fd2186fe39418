#pragma once

#include <vector>

#include "cli/command.h"

namespace omrsync::cli {

// One function a file; all_commands() joins them.
[[nodiscard]] std::vector<CommandSpec> general_commands();
[[nodiscard]] std::vector<CommandSpec> init_commands();
[[nodiscard]] std::vector<CommandSpec> config_commands();
[[nodiscard]] std::vector<CommandSpec> node_commands();
[[nodiscard]] std::vector<CommandSpec> enrol_commands();
[[nodiscard]] std::vector<CommandSpec> queue_commands();
[[nodiscard]] std::vector<CommandSpec> conflict_commands();
[[nodiscard]] std::vector<CommandSpec> resolve_commands();
[[nodiscard]] std::vector<CommandSpec> policy_commands();
[[nodiscard]] std::vector<CommandSpec> usb_commands();
[[nodiscard]] std::vector<CommandSpec> audit_commands();
[[nodiscard]] std::vector<CommandSpec> run_commands();
[[nodiscard]] std::vector<CommandSpec> database_commands();

}  // namespace omrsync::cli
