#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "protocol/json.h"
#include "protocol/result.h"

/// How commands reach the running daemon: a socket file in the state folder that only its owner may open. One question
/// a connection, one line of JSON each way.
namespace omrsync::app {

/// Answers a question such as {"ask":"sync"}. Called from several threads. `stop` is requested when the daemon ends.
using Answer = std::function<Result<Json>(const Json& question, std::stop_token stop)>;

class ControlServer {
 public:
  /// Listens when it returns; a socket file that a dead daemon left is replaced.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> start(const std::filesystem::path& socket, Answer answer);

  /// Ends as `stop` does.
  virtual ~ControlServer() = default;

  /// Takes no more questions, asks answers under way to stop, waits for them, removes the socket file.
  virtual void stop() = 0;
};

/// Asks the daemon behind `socket`. Its failure is returned as it is; no daemon, or no answer within `patience`:
/// `line_unreachable`.
[[nodiscard]] Result<Json> ask_daemon(const std::filesystem::path& socket, const Json& question,
                                      std::chrono::milliseconds patience);

}  // namespace omrsync::app
