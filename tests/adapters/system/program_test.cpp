#include "adapters/system/program.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace omrsync;
using std::chrono::milliseconds;

namespace {

/// A shell script in a folder of its own.
struct Script {
  test::TemporaryFolder folder;
  std::string path;

  explicit Script(const std::string& text) : path((folder.path() / "policy").string()) {
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    ::chmod(path.c_str(), 0700);
  }

  Result<std::string> run(std::string_view input = "{}", ports::ProgramLimits limits = {}) {
    system::ProgramRunner runner;
    return runner.run(path, input, limits);
  }
};

std::string why(const Result<std::string>& said) {
  REQUIRE(!said);
  CHECK(said.error().code == Code::program_failed);
  return said.error().message;
}

}  // namespace

TEST_CASE("a program reads the question and its answer comes back") {
  CHECK(Script("/bin/cat").run(R"({"a":1})").value() == R"({"a":1})");
  const std::string large(60'000, 'x');
  CHECK(Script("/bin/cat").run(large).value() == large);
}

TEST_CASE("a program that fails is told apart, and its output is not") {
  CHECK(why(Script("echo secret; exit 3").run()) == "it ended with status 3");
  CHECK(why(Script("kill -9 $$").run()) == "it ended by signal 9");
  CHECK(why(Script("while :; do echo yes; done").run()) == "it wrote more than 65536 bytes");
  CHECK(why(Script("exec /bin/sleep 60").run("{}", {milliseconds(50), 100})) == "it did not answer in time");
  CHECK(why(Script("exec >&-; exec /bin/sleep 60").run("{}", {milliseconds(50), 100})) == "it did not end in time");
  system::ProgramRunner runner;
  CHECK(why(runner.run("/does/not/exist", "", {})).starts_with("it cannot be started"));
  CHECK(why(runner.run("relative", "", {})) == "its path is not absolute");
}

TEST_CASE("a program that does not read does no harm, and it inherits nothing") {
  CHECK(Script("echo ok").run(std::string(1 << 20, 'x')).value() == "ok\n");
  CHECK(Script("echo \"$HOME$OMRSYNC_CONFIG\"").run().value() == "\n");
  CHECK(Script("/bin/ls /proc/self/fd | /usr/bin/wc -l").run().value() == "4\n");  // 0, 1, 2 and the listing's own
}
