#pragma once
// What the connections of one listener share: the limits, the counts, the handler. No Boost.

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "adapters/http/listener.h"
#include "adapters/http/worker_pool.h"

namespace omrsync::http {

/// Something counted that gives its place back when it goes.
class Place {
 public:
  Place() = default;
  explicit Place(std::function<void()> leave) : leave_(std::move(leave)) {}
  Place(Place&& other) noexcept : leave_(std::exchange(other.leave_, nullptr)) {}
  Place& operator=(Place&& other) noexcept {
    leave();
    leave_ = std::exchange(other.leave_, nullptr);
    return *this;
  }
  ~Place() { leave(); }

  explicit operator bool() const noexcept { return leave_ != nullptr; }

  void leave() {
    if (const auto leave = std::exchange(leave_, nullptr)) leave();
  }

 private:
  std::function<void()> leave_;
};

class ListenerShared {
 public:
  ListenerShared(const ListenerOptions& options, Handler handler)
      : limits(options.limits),
        enrol_path(options.enrol_path),
        pool(limits.handlers, limits.waiting),
        handler_(std::move(handler)),
        turned_away_(options.turned_away) {}

  /// An empty place: there is none left.
  Place enter_unauthenticated() {
    const std::scoped_lock lock(mutex_);
    if (unauthenticated_ >= limits.unauthenticated) return {};
    ++unauthenticated_;
    return Place([this] {
      const std::scoped_lock inner(mutex_);
      --unauthenticated_;
    });
  }

  Place enter_node(const std::string& node) {
    const std::scoped_lock lock(mutex_);
    if (nodes_[node] >= limits.connections_per_node) return {};
    ++nodes_[node];
    return Place([this, node] {
      const std::scoped_lock inner(mutex_);
      if (--nodes_[node] == 0) nodes_.erase(node);
    });
  }

  Place enter_body(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    if (bytes > limits.memory_bytes - memory_) return {};
    memory_ += bytes;
    return Place([this, bytes] {
      const std::scoped_lock inner(mutex_);
      memory_ -= bytes;
    });
  }

  Place enter_open() {
    const std::scoped_lock lock(mutex_);
    ++open_;
    return Place([this] {
      {
        const std::scoped_lock inner(mutex_);
        --open_;
      }
      all_gone_.notify_all();
    });
  }

  /// False: some connections are still open after `patience`.
  bool wait_until_closed(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return all_gone_.wait_for(lock, patience, [this] { return open_ == 0; });
  }

  std::uint64_t open() const {
    const std::scoped_lock lock(mutex_);
    return open_;
  }

  /// The handler's answer; a handler that throws against its contract costs its caller an answer, not all a process.
  ports::Response answer(const ports::IncomingRequest& request) const {
    try {
      return handler_(request);
    } catch (const std::exception&) {
      return ports::Response{500, "text/plain", "The node failed.\n", {}};
    }
  }

  /// Whoever wants to know of it is told, unless too much else waits.
  void tell_turned_away(TurnedAway caller) {
    if (turned_away_ && !stopping) (void)pool.submit([this, caller = std::move(caller)] { turned_away_(caller); });
  }

  const ListenerLimits limits;
  const std::string enrol_path;
  WorkerPool pool;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> handshakes_failed{0};
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> turned_away{0};

 private:
  const Handler handler_;
  const std::function<void(const TurnedAway&)> turned_away_;
  mutable std::mutex mutex_;
  std::condition_variable all_gone_;
  std::unordered_map<std::string, std::size_t> nodes_;
  std::size_t unauthenticated_ = 0;
  std::size_t memory_ = 0;
  std::uint64_t open_ = 0;
};

}  // namespace omrsync::http
