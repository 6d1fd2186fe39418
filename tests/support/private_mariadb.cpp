#include "tests/support/private_mariadb.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace omrsync::tests {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

/// Whom the server runs as: mariadbd refuses to be root.
const passwd* server_user() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("mysql");
  if (user == nullptr) throw std::runtime_error("no user mysql to run the server as");
  return user;
}

void own(const fs::path& path) {
  const passwd* user = server_user();
  if (user == nullptr) return;
  if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) fail("chown");
  if (!fs::is_directory(path)) return;
  for (const auto& entry : fs::directory_iterator(path)) own(entry.path());
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "omrsync-mariadb-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail("mkdtemp");
  own(name);
  return name;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd < 0) fail("descriptor");
  }
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::uint16_t free_port() {
  const Descriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) fail("bind");
  if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

std::vector<char*> to_argv(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

/// In the child, before exec: nothing here may allocate.
void become(const passwd* user) {
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
}

void pump(int to, std::string_view input, int from_out, int from_err, std::string& out, std::string& err) {
  bool writing = true;
  pollfd waits[3] = {{from_out, POLLIN, 0}, {from_err, POLLIN, 0}, {to, POLLOUT, 0}};
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    if (writing && input.empty()) {
      ::close(to);
      waits[2].fd = -1;
      writing = false;
    }
    if (::poll(waits, 3, -1) < 0 && errno != EINTR) fail("poll");
    for (int i = 0; i < 2; ++i) {
      if (waits[i].fd < 0 || waits[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t got = ::read(waits[i].fd, buffer, sizeof buffer);
      if (got <= 0)
        waits[i].fd = -1;
      else
        (i == 0 ? out : err).append(buffer, static_cast<std::size_t>(got));
    }
    if (!writing || waits[2].revents == 0) continue;
    const ssize_t put = ::write(to, input.data(), input.size());
    if (put >= 0)
      input.remove_prefix(static_cast<std::size_t>(put));
    else if (errno != EAGAIN)
      input = {};
  }
  if (writing) ::close(to);
}

/// mariadb-install-db costs a second: done once a program, then copied.
class Template {
 public:
  Template() : folder_(new_folder()) {
    std::vector<std::string> command = {
        "mariadb-install-db", "--no-defaults", "--datadir=" + (folder_ / "data").string(),
        "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=10M",
        // a server that starts removes what others keep in a common one
        "--tmpdir=" + folder_.string()};
    if (const passwd* user = server_user()) command.push_back(std::string("--user=") + user->pw_name);
    run_program(command);
  }
  ~Template() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  [[nodiscard]] fs::path data() const { return folder_ / "data"; }

 private:
  fs::path folder_;
};

const Template& installed() {
  static const Template once;
  return once;
}

}  // namespace

std::string run_program(const std::vector<std::string>& arguments, std::string_view input) {
  ::signal(SIGPIPE, SIG_IGN);
  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) fail("pipe");
  const auto argv = to_argv(arguments);
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  for (const int fd : {in[0], out[1], err[1]}) ::close(fd);
  ::fcntl(in[1], F_SETFL, O_NONBLOCK);
  std::string output, errors;
  pump(in[1], input, out[0], err[0], output, errors);
  ::close(out[0]);
  ::close(err[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error(arguments[0] + " failed: " + errors);
  return output;
}

struct PrivateMariadb::Server {
  PrivateMariadbOptions options;
  fs::path folder;
  std::uint16_t port = 0;
  pid_t pid = -1;

  [[nodiscard]] std::vector<std::string> command() const {
    const std::string data = (folder / "data").string();
    std::vector<std::string> arguments = {"mariadbd",
                                          "--no-defaults",
                                          "--datadir=" + data,
                                          "--tmpdir=" + data,
                                          "--socket=" + (folder / "s").string(),
                                          "--port=" + std::to_string(port),
                                          "--bind-address=127.0.0.1",
                                          "--pid-file=" + (folder / "pid").string(),
                                          "--server-id=1",
                                          "--log-bin=" + data + "/binlog",
                                          "--binlog-format=ROW",
                                          "--binlog-row-image=FULL",
                                          "--binlog-row-metadata=FULL",
                                          "--gtid-domain-id=0",
                                          "--gtid-strict-mode=ON",
                                          "--log-slave-updates=OFF",
                                          "--binlog-expire-logs-seconds=2592000",
                                          "--innodb-log-file-size=10M",
                                          "--innodb-buffer-pool-size=64M",
                                          "--max-allowed-packet=256M",
                                          "--character-set-server=utf8mb4",
                                          "--collation-server=utf8mb4_general_ci",
                                          "--skip-name-resolve",
                                          "--performance-schema=OFF",
                                          "--table-open-cache=400",
                                          "--max-connections=60",
                                          "--default-time-zone=+00:00",
                                          "--skip-slave-start",
                                          "--innodb-buffer-pool-dump-at-shutdown=OFF",
                                          "--innodb-buffer-pool-load-at-startup=OFF"};
    const char* durable = options.durable ? "1" : "0";
    arguments.push_back(std::string("--sync-binlog=") + durable);
    arguments.push_back(std::string("--innodb-flush-log-at-trx-commit=") + durable);
    arguments.insert(arguments.end(), options.extra.begin(), options.extra.end());
    return arguments;
  }

  [[nodiscard]] std::string log() const {
    std::ifstream file(folder / "log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// Waits for the server's own word (the sd_notify protocol) that it is ready.
  bool wait_ready(int notify) {
    for (int quarter = 0; quarter < 4 * 120; ++quarter) {
      pollfd wait{notify, POLLIN, 0};
      if (::poll(&wait, 1, 250) > 0) {
        char buffer[512];
        const ssize_t got = ::recv(notify, buffer, sizeof buffer, 0);
        if (got > 0 && std::string_view(buffer, static_cast<std::size_t>(got)).find("READY=1") != std::string::npos)
          return true;
      }
      if (::waitpid(pid, nullptr, WNOHANG) == pid) {
        pid = -1;
        return false;
      }
    }
    return false;
  }

  bool start() {
    const fs::path notify_path = folder / "n";
    fs::remove(notify_path);
    const Descriptor notify(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, notify_path.c_str(), sizeof address.sun_path - 1);
    if (::bind(notify.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
    own(notify_path);
    const Descriptor log(::open((folder / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    const auto arguments = command();
    const auto argv = to_argv(arguments);
    const passwd* user = server_user();
    const pid_t parent = ::getpid();
    ::setenv("NOTIFY_SOCKET", notify_path.c_str(), 1);
    pid = ::fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
      become(user);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(125);
      const int null = ::open("/dev/null", O_RDONLY);
      ::dup2(null, 0);
      ::dup2(log.get(), 1);
      ::dup2(log.get(), 2);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::unsetenv("NOTIFY_SOCKET");
    return wait_ready(notify.get());
  }

  void end(int signal) {
    if (pid <= 0) return;
    ::kill(pid, signal);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
  }
};

PrivateMariadb::PrivateMariadb(PrivateMariadbOptions options) : server_(std::make_unique<Server>()) {
  server_->options = std::move(options);
  server_->folder = new_folder();
  fs::copy(installed().data(), server_->folder / "data", fs::copy_options::recursive);
  own(server_->folder);
  for (int attempt = 0; attempt < 3; ++attempt) {  // another program may have taken the port meanwhile
    server_->port = free_port();
    if (server_->start()) return;
    server_->end(SIGKILL);
  }
  const std::string log = server_->log();
  fs::remove_all(server_->folder);
  throw std::runtime_error("mariadbd does not start: " + log);
}

PrivateMariadb::~PrivateMariadb() {
  server_->end(SIGKILL);
  std::error_code ignored;
  fs::remove_all(server_->folder, ignored);
}

std::uint16_t PrivateMariadb::port() const { return server_->port; }
std::string PrivateMariadb::socket() const { return (server_->folder / "s").string(); }
fs::path PrivateMariadb::folder() const { return server_->folder; }
fs::path PrivateMariadb::data_dir() const { return server_->folder / "data"; }

std::string PrivateMariadb::sql(std::string_view statements, std::string_view database) const {
  std::vector<std::string> command = {"mariadb",
                                      "--no-defaults",
                                      "-uroot",
                                      "--socket=" + socket(),
                                      "--batch",
                                      "--skip-column-names",
                                      "--default-character-set=utf8mb4",
                                      "--max-allowed-packet=1G",
                                      "--binary-mode"};
  if (!database.empty()) command.emplace_back(database);
  return run_program(command, statements);
}

void PrivateMariadb::load(const fs::path& file, std::string_view database) const {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  const std::string statements{std::istreambuf_iterator<char>(in), {}};
  sql(statements, database);
}

void PrivateMariadb::stop() { server_->end(SIGTERM); }
void PrivateMariadb::kill9() { server_->end(SIGKILL); }

void PrivateMariadb::restart() {
  stop();
  if (!server_->start()) throw std::runtime_error("mariadbd does not start again: " + server_->log());
}

}  // namespace omrsync::tests
