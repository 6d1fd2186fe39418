#include "adapters/system/files.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "adapters/system/file_lock.h"
#include "tests/support/result.h"
#include "tests/support/temporary_folder.h"

using namespace omrsync;
using namespace omrsync::test;

TEST_CASE("a file is replaced as a whole, with the mode asked for and nothing left beside it", "[system]") {
  const TemporaryFolder folder;
  const auto file = folder / "card";
  must(system::write_file_atomically(file, std::string(100'000, 'a'), 0600));
  must(system::write_file_atomically(file, std::string("b\0c", 3), 0640));
  CHECK(must(system::read_file(file)) == std::string("b\0c", 3));
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0640);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a file that cannot be replaced stays, and nothing is left beside it", "[system]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "card" / "inside");  // a folder cannot be replaced by a file
  CHECK(must_fail(system::write_file_atomically(folder / "card", "x", 0600)).remedy == Remedy::stop_node);
  CHECK(std::filesystem::exists(folder / "card" / "inside"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  CHECK(must_fail(system::write_file_atomically(folder / "no" / "card", "x", 0600)).code == Code::file_unreadable);
}

TEST_CASE("a secret is read without the end of its line", "[system]") {
  const TemporaryFolder folder;
  const std::string content = GENERATE("pass word", "pass word\n", "pass word\r\n");
  must(system::write_file_atomically(folder / "pw", content, 0600));
  CHECK(must(system::read_secret_file(folder / "pw")) == "pass word");
}

TEST_CASE("a secret that others may read is refused", "[system]") {
  const TemporaryFolder folder;
  const mode_t mode = GENERATE(0644, 0640, 0604, 0602);
  must(system::write_file_atomically(folder / "pw", "x", mode));
  const Error refused = must_fail(system::read_secret_file(folder / "pw"));
  CHECK(refused.code == Code::secret_readable);
  CHECK(refused.message.find("pw") != std::string::npos);
}

TEST_CASE("a credential that systemd handed over may be readable by the group", "[system]") {
  const TemporaryFolder folder;
  must(system::write_file_atomically(folder / "pw", "x", 0440));
  CHECK_FALSE(system::read_secret_file(folder / "pw").has_value());
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  const auto secret = system::read_secret_file(folder / "pw");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  CHECK(must(secret) == "x");
}

TEST_CASE("a file that is not there is named", "[system]") {
  const TemporaryFolder folder;
  const Error missing = must_fail(system::read_secret_file(folder / "nothing"));
  CHECK(missing.code == Code::file_unreadable);
  CHECK(missing.message.find("nothing") != std::string::npos);
}

TEST_CASE("a disk has free bytes", "[system]") {
  const TemporaryFolder folder;
  CHECK(must(system::free_bytes(folder.path())) > 0);
  CHECK(must_fail(system::free_bytes(folder / "nothing")).code == Code::file_unreadable);
}

TEST_CASE("the second taker of a lock learns who holds it", "[system]") {
  const TemporaryFolder folder;
  const auto file = folder / "lock";
  CHECK_FALSE(must(system::FileLock::holder(file)).has_value());
  {
    const auto lock = must(system::FileLock::take(file));
    const Error refused = must_fail(system::FileLock::take(file));
    CHECK(refused.code == Code::node_locked);
    CHECK(refused.remedy == Remedy::retry_later);
    CHECK(refused.message.find(std::to_string(::getpid())) != std::string::npos);
    CHECK(must(system::FileLock::holder(file)) == ::getpid());
  }
  CHECK_FALSE(must(system::FileLock::holder(file)).has_value());
  (void)must(system::FileLock::take(file));
}

TEST_CASE("another process is kept out, and let in when the holder is gone", "[system]") {
  const TemporaryFolder folder;
  const auto file = folder / "lock";
  const auto try_in_child = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto lock = system::FileLock::take(file);
      ::_exit(lock ? 0 : lock.error().code == Code::node_locked ? 1 : 2);  // dies holding it
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status);
  };
  {
    const auto lock = must(system::FileLock::take(file));
    CHECK(try_in_child() == 1);
  }
  CHECK(try_in_child() == 0);
  (void)must(system::FileLock::take(file));
}
