#include "cli/commands.h"
namespace omrsync::cli { std::vector<CommandSpec> init_commands() { return {}; } }
