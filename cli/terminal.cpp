#include "cli/terminal.h"

#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <utility>

namespace omrsync::cli {

Result<Terminal> Terminal::open() {
  termios before{};
  if (::tcgetattr(STDIN_FILENO, &before) != 0)
    return Error{Remedy::stop_node, Code::usage, "--interactive needs a terminal on standard input."};
  termios keys = before;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  return Terminal(before);
}

Terminal::Terminal(Terminal&& other) noexcept : before_(other.before_), raw_(std::exchange(other.raw_, false)) {}

Terminal::~Terminal() {
  if (raw_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

Result<char> Terminal::ask(std::string_view question) {
  std::cout << question << std::flush;
  char key = 'q';
  while (::read(STDIN_FILENO, &key, 1) < 0 && errno == EINTR) {
  }
  std::cout << key << '\n' << std::flush;
  return key;
}

}  // namespace omrsync::cli
