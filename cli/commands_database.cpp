#include "cli/commands.h"

namespace omrsync::cli {

std::vector<CommandSpec> database_commands() { return {}; }

}  // namespace omrsync::cli
