#include "node/app/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "adapters/system/descriptor.h"

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using system::Descriptor;

constexpr std::size_t kLongestLine = 1U << 20U;
constexpr std::size_t kMostConnections = 16;
constexpr milliseconds kQuestionPatience{2000};

Error unreachable(const char* what) {
  return {Remedy::retry_later, Code::line_unreachable, std::string("The daemon cannot be asked: ") + what + "."};
}

/// The address of a socket file in `folder`, which is open: short however long the path is.
sockaddr_un address_in(const Descriptor& folder, const fs::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(folder.number()) + "/" + socket.filename().string();
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

Descriptor open_folder(const fs::path& folder) {
  return Descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

bool wait_for(int descriptor, short events, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    pollfd poll{descriptor, events, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000)));
    if (ready > 0) return true;
    if (ready == 0 && left <= 0) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool write_line(int descriptor, const std::string& text, milliseconds patience) {
  const std::string line = text + "\n";
  const auto until = steady_clock::now() + patience;
  for (std::size_t at = 0; at < line.size();) {
    if (!wait_for(descriptor, POLLOUT, until)) return false;
    const ssize_t sent = ::send(descriptor, line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (sent > 0) at += static_cast<std::size_t>(sent);
  }
  return true;
}

std::optional<std::string> read_line(int descriptor, milliseconds patience) {
  std::string line;
  const auto until = steady_clock::now() + patience;
  char piece[4096];
  while (line.size() < kLongestLine) {
    if (!wait_for(descriptor, POLLIN, until)) return std::nullopt;
    const ssize_t got = ::recv(descriptor, piece, sizeof piece, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return std::nullopt;
    line.append(piece, static_cast<std::size_t>(got));
    if (line.back() == '\n') {
      line.pop_back();
      return line;
    }
  }
  return std::nullopt;
}

Json failure_json(const Error& error) {
  Json json;
  json.set("code", static_cast<int>(error.code)).set("message", error.message);
  return json.set("remedy", static_cast<int>(error.remedy));
}

Error failure_from(const Json& json) {
  const Json* code = json.find("code");
  const Json* remedy = json.find("remedy");
  Error error{Remedy::stop_node, Code::defect, std::string(json.text_of("message"))};
  if (code != nullptr && code->integer() != nullptr) error.code = describe(static_cast<Code>(*code->integer())).code;
  if (remedy != nullptr && remedy->integer() != nullptr)
    error.remedy = static_cast<Remedy>(std::clamp<std::int64_t>(*remedy->integer(), 0, 4));
  return error;
}

class Server final : public ControlServer {
 public:
  Server(Descriptor folder, Descriptor listener, Descriptor wake, fs::path socket, Answer answer)
      : folder_(std::move(folder)),
        listener_(std::move(listener)),
        wake_(std::move(wake)),
        socket_(std::move(socket)),
        answer_(std::move(answer)),
        acceptor_([this](std::stop_token stop) { accept_all(stop); }) {}

  ~Server() override { stop(); }

  void stop() override {
    if (!acceptor_.joinable()) return;
    acceptor_.request_stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.number(), &one, sizeof one);
    acceptor_.join();
    for (Connection& connection : connections_) connection.thread.request_stop();
    connections_.clear();  // joins them
    std::error_code ignored;
    fs::remove(socket_, ignored);
  }

 private:
  struct Connection {
    std::atomic<bool> done{false};
    std::jthread thread;
  };

  void accept_all(std::stop_token stop) {
    while (!stop.stop_requested()) {
      pollfd polls[2] = {{listener_.number(), POLLIN, 0}, {wake_.number(), POLLIN, 0}};
      if (::poll(polls, 2, -1) < 0 && errno != EINTR) return;
      connections_.remove_if([](const Connection& connection) { return connection.done.load(); });
      if ((polls[0].revents & POLLIN) == 0) continue;
      Descriptor caller(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!caller.is_open() || connections_.size() >= kMostConnections) continue;
      Connection& connection = connections_.emplace_back();
      connection.thread = std::jthread([this, &connection, caller = std::move(caller)](std::stop_token ending) {
        serve(caller, ending);
        connection.done = true;
      });
    }
  }

  void serve(const Descriptor& caller, std::stop_token stop) {
    const auto line = read_line(caller.number(), kQuestionPatience);
    if (!line) return;
    const auto question = parse_json(*line);
    const auto answer = question ? answer_(*question, stop) : Result<Json>(question.error());
    Json reply;
    reply.set("ok", answer.has_value());
    reply.set(answer ? "answer" : "error", answer ? *answer : failure_json(answer.error()));
    write_line(caller.number(), to_string(reply), kQuestionPatience);
  }

  Descriptor folder_;
  Descriptor listener_;
  Descriptor wake_;
  fs::path socket_;
  Answer answer_;
  std::list<Connection> connections_;  ///< touched by the acceptor, and by `stop` after it has ended
  std::jthread acceptor_;
};

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(const fs::path& socket, Answer answer) {
  const auto failed = [&](const char* act) {
    return Error{Remedy::stop_node, Code::file_unreadable,
                 std::string("Cannot ") + act + " " + socket.string() + ": " + std::strerror(errno) + "."};
  };
  Descriptor folder = open_folder(socket.parent_path());
  if (!folder.is_open()) return failed("open the folder of");
  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Descriptor wake(::eventfd(0, EFD_CLOEXEC));
  if (!listener.is_open() || !wake.is_open()) return failed("make");
  std::error_code ignored;
  fs::remove(socket, ignored);
  const sockaddr_un address = address_in(folder, socket);
  if (::bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed("make");
  if (::chmod(socket.c_str(), 0600) != 0 || ::listen(listener.number(), 16) != 0) return failed("listen on");
  return std::unique_ptr<ControlServer>(
      std::make_unique<Server>(std::move(folder), std::move(listener), std::move(wake), socket, std::move(answer)));
}

Result<Json> ask_daemon(const fs::path& socket, const Json& question, milliseconds patience) {
  const Descriptor folder = open_folder(socket.parent_path());
  const Descriptor line(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!folder.is_open() || !line.is_open()) return unreachable("there is no state folder");
  const sockaddr_un address = address_in(folder, socket);
  if (::connect(line.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unreachable("it does not listen");
  if (!write_line(line.number(), to_string(question), kQuestionPatience)) return unreachable("it hung up");
  const auto text = read_line(line.number(), patience);
  if (!text) return unreachable("it did not answer");
  OMRSYNC_TRY(reply, parse_json(*text));
  const Json* answer = reply.find("answer");
  const Json* error = reply.find("error");
  if (answer != nullptr) return *answer;
  if (error != nullptr) return failure_from(*error);
  return unreachable("its answer is not understood");
}

}  // namespace omrsync::app
