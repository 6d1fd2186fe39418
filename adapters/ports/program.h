#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::ports {

struct ProgramLimits {
  std::chrono::milliseconds time{5000};
  std::size_t output_bytes = 64U << 10U;
};

/// Runs other people's programs, out of process.
class ProgramRunner {
 public:
  virtual ~ProgramRunner() = default;

  /// Starts `program` (an absolute path, no shell, an empty environment), writes `input` to its standard input and
  /// gives what it wrote to its standard output. A program that does not end in time, writes too much, ends with
  /// another status than 0 or cannot be started: program_failed, whose message says which, without its output.
  /// Thread-safe.
  virtual Result<std::string> run(const std::string& program, std::string_view input, const ProgramLimits& limits) = 0;
};

}  // namespace omrsync::ports
