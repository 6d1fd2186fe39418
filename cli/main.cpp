#include <sys/stat.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "cli/parser.h"
#include "node/app/memory.h"

namespace {

using namespace omrsync;

int run(const std::vector<std::string>& words) {
  cli::GlobalOptions options;
  const auto parsed = cli::parse(words, options);
  cli::Output out(std::cout, std::cerr, options.json, options.quiet);
  if (!parsed) return out.failure(parsed.error());
  if (parsed->text) {
    std::cout << *parsed->text;
    return cli::exit_code::kDone;
  }
  cli::Context context{options, out};
  const auto done = parsed->command->run(context, parsed->arguments);
  if (!done) return out.failure(done.error());
  std::cout.flush();
  return std::cout ? *done : cli::exit_code::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  ::umask(077);
  omrsync::app::keep_memory_small();
  std::ios::sync_with_stdio(false);
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& defect) {
    cli::Output out(std::cout, std::cerr, false, false);
    return out.failure({Remedy::stop_node, Code::defect, std::string("Unexpected: ") + defect.what()});
  }
}
