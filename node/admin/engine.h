#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "node/admin/status.h"
#include "node/carry/freeze.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// The running node as its operators see it.
namespace omrsync::admin {

struct SyncRequest {
  std::chrono::milliseconds timeout{std::chrono::minutes(10)};
  std::optional<std::string> patient;  ///< uuid: only this patient's changes need to be through
};

/// What one round did.
struct SyncAnswer {
  std::uint64_t captured = 0;  ///< change sets taken from the database's log
  std::uint64_t sent = 0;      ///< change sets durable at the parent
  std::uint64_t received = 0;  ///< change sets that came from the parent
  std::uint64_t applied = 0;
  std::uint64_t merged = 0;
  std::uint64_t conflicts = 0;
  std::uint64_t held = 0;
  std::uint64_t quarantined = 0;
};

[[nodiscard]] Json to_json(const SyncAnswer& answer);
[[nodiscard]] Result<SyncAnswer> sync_answer_from(const Json& json);

/// How the line to the parent may be used at this moment, by the configuration and the local time.
struct LineRules {
  bool open = true;                    ///< inside [parent] window
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit
  std::chrono::milliseconds push{std::chrono::minutes(1)};
  std::chrono::milliseconds pull{std::chrono::minutes(1)};
};
/// Asked anew before each use of the line, so that a reload needs nothing else. Thread-safe.
using LineRulesNow = std::function<LineRules()>;

/// All workers of one node.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Works until `stop` is requested, then returns within 5 s with everything durable. A database or a parent that is
  /// away is waited for and is no failure. Once.
  virtual Status run(std::stop_token stop) = 0;

  /// One round while `run` works in another thread: takes what the database had committed when this was called, sends
  /// it and waits for its outcomes, fetches what the parent has, applies it. Failures: a code of the line or the
  /// database that stood in the way until the time was up. Thread-safe.
  virtual Result<SyncAnswer> sync(const SyncRequest& request, std::stop_token stop) = 0;

  /// One step of freezing what a stick is to carry (node/carry/freeze.h), while `run` works. Thread-safe.
  virtual Result<node::FreezeReport> freeze(const node::FreezeRequest& request, std::stop_token stop) = 0;

  /// How capture stands at this moment; none without an OpenMRS database. Thread-safe, answers at once.
  virtual std::optional<LiveCapture> capture() = 0;
};

}  // namespace omrsync::admin
