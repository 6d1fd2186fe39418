#pragma once

#include <termios.h>

#include <string_view>

#include "protocol/result.h"

namespace omrsync::cli {

/// Single keys from the terminal on standard input, which is as it was again at the end.
class Terminal {
 public:
  /// `usage` where standard input is no terminal.
  static Result<Terminal> open();
  Terminal(Terminal&& other) noexcept;
  Terminal& operator=(Terminal&&) = delete;
  ~Terminal();

  /// Writes the question to standard output and waits for a key. The end of input counts as q.
  Result<char> ask(std::string_view question);

 private:
  explicit Terminal(const termios& before) : before_(before) {}
  termios before_;
  bool raw_ = true;
};

}  // namespace omrsync::cli
