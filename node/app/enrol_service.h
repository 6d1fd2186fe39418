#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/ports/clock.h"
#include "adapters/ports/exchange.h"
#include "adapters/ports/log.h"
#include "adapters/ports/store.h"
#include "node/app/config.h"
#include "node/receive/refusals.h"

namespace omrsync::app {

/// How often one-time codes may be tried (I-2). Thread-safe.
class EnrolTries {
 public:
  static constexpr std::size_t kMostOfOne = 5;  ///< a minute, of one address
  static constexpr std::size_t kMostOfAll = 20;

  /// False: there were too many within the minute before `now` (steady clock). A refused try does not count.
  bool admit(const std::string& address, std::chrono::milliseconds now);

 private:
  std::mutex mutex_;
  std::deque<std::pair<std::chrono::milliseconds, std::string>> tries_;
};

/// The parent's side of enrolment and renewal. Works while the node's own database is away. Thread-safe.
class EnrolService {
 public:
  EnrolService(const Config& config, ports::Store& store, ports::Clock& clock, ports::Log& log)
      : config_(config), store_(store), clock_(clock), log_(log), refusals_(store, clock) {}

  /// Nothing: the request is about something else.
  std::optional<ports::Response> handle(const ports::IncomingRequest& request);

  /// Somebody was turned away before there was a request.
  void turned_away(const std::string& who, Code code) { refusals_.note(who, "connection", code); }

 private:
  Result<Json> enrol(const ports::IncomingRequest& request);
  Result<Json> renew(const ports::IncomingRequest& request);

  const Config& config_;
  ports::Store& store_;
  ports::Clock& clock_;
  ports::Log& log_;
  node::Refusals refusals_;
  EnrolTries tries_;
};

}  // namespace omrsync::app
