#include "adapters/system/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "adapters/system/descriptor.h"

namespace omrsync::system {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Error failed(std::string why) { return {Remedy::set_aside, Code::program_failed, std::move(why)}; }

struct Pipe {
  Descriptor read{-1};
  Descriptor write{-1};
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("no pipe can be made: " + std::string(std::strerror(errno)));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

/// A started program; killed with all that it started when dropped.
class Process {
 public:
  static Result<Process> start(const std::string& program, int input, int output) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::string path = program;
    std::array<char*, 2> arguments{path.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return failed("it cannot be started: " + std::string(std::strerror(error)));
    return Process(pid);
  }

  Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Process& operator=(Process&&) = delete;
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  /// Its status when it ended by `until`; it has closed its output, so that this is a matter of moments.
  std::optional<int> wait(Clock::time_point until) {
    for (int status = 0;;) {
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) {
        ::kill(-pid_, SIGKILL);  // whatever it left behind
        pid_ = -1;
        return status;
      }
      if (Clock::now() >= until) return std::nullopt;
      ::poll(nullptr, 0, 5);
    }
  }

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

/// SIGPIPE of this thread stays away while we write to a program that does not read.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  ~NoBrokenPipe() {
    const timespec now{0, 0};
    while (::sigtimedwait(&set_, nullptr, &now) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

/// Feeds and reads until the output is closed.
Result<std::string> talk(Pipe& in, Pipe& out, std::string_view input, std::size_t most, Clock::time_point until) {
  std::string said;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
    if (left <= 0) return failed("it did not answer in time");
    std::array<pollfd, 2> ends{{{out.read.number(), POLLIN, 0}, {in.write.number(), POLLOUT, 0}}};
    if (::poll(ends.data(), in.write.is_open() ? 2 : 1, static_cast<int>(left)) < 0 && errno != EINTR)
      return failed("it cannot be waited for");
    if (in.write.is_open() && ends[1].revents != 0) {
      const ssize_t wrote = ::write(in.write.number(), input.data(), input.size());
      if (wrote > 0) input.remove_prefix(static_cast<std::size_t>(wrote));
      if (input.empty() || (wrote < 0 && errno != EAGAIN && errno != EINTR)) in.write = Descriptor(-1);
    }
    if (ends[0].revents == 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(out.read.number(), buffer.data(), buffer.size());
    if (got < 0 && errno != EINTR) return failed("its answer cannot be read");
    if (got == 0) return said;
    if (got > 0) said.append(buffer.data(), static_cast<std::size_t>(got));
    if (said.size() > most) return failed("it wrote more than " + std::to_string(most) + " bytes");
  }
}

}  // namespace

Result<std::string> ProgramRunner::run(const std::string& program, std::string_view input,
                                       const ports::ProgramLimits& limits) {
  if (program.empty() || program.front() != '/') return failed("its path is not absolute");
  const auto until = Clock::now() + limits.time;
  const NoBrokenPipe quiet;
  OMRSYNC_TRY(in, make_pipe());
  OMRSYNC_TRY(out, make_pipe());
  OMRSYNC_TRY(process, Process::start(program, in.read.number(), out.write.number()));
  in.read = Descriptor(-1);
  out.write = Descriptor(-1);
  ::fcntl(in.write.number(), F_SETFL, O_NONBLOCK);
  OMRSYNC_TRY(said, talk(in, out, input, limits.output_bytes, until));
  const auto status = process.wait(until);
  if (!status) return failed("it did not end in time");
  if (WIFSIGNALED(*status)) return failed("it ended by signal " + std::to_string(WTERMSIG(*status)));
  if (WEXITSTATUS(*status) != 0) return failed("it ended with status " + std::to_string(WEXITSTATUS(*status)));
  return said;
}

}  // namespace omrsync::system
