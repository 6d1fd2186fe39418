#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace omrsync::cli {

/// What the command line asks for: a command with its arguments, or a text to print (help, version).
struct Parsed {
  GlobalOptions options;
  const CommandSpec* command = nullptr;
  Arguments arguments;
  std::optional<std::string> text;  ///< to be printed instead of running anything
};

/// Reads `words` (without the program's name). Failure: `usage`, with a suggestion where a word is nearly right; the
/// global options read so far are in `options` then, so that the failure can be told as asked for.
[[nodiscard]] Result<Parsed> parse(const std::vector<std::string>& words, GlobalOptions& options);

/// The help text of "queue ls", of a group ("queue"), or of the whole tool (""). Failure: `usage`.
[[nodiscard]] Result<std::string> help_text(const std::string& path);

}  // namespace omrsync::cli
