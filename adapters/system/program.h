#pragma once

#include "adapters/ports/program.h"

namespace omrsync::system {

/// Programs of this machine, each as a process group of its own that is killed when its time is up. They inherit no
/// environment, no descriptor beside the two pipes, and /dev/null as standard error.
class ProgramRunner final : public ports::ProgramRunner {
 public:
  Result<std::string> run(const std::string& program, std::string_view input,
                          const ports::ProgramLimits& limits) override;
};

}  // namespace omrsync::system
