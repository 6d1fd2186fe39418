#pragma once

#include <chrono>
#include <cstdint>

namespace omrsync::http {

/// How long one exchange may stand still. All of it is about silence, not about size: a slow line that moves is fine.
struct Patience {
  std::chrono::milliseconds connect{15'000};  ///< name look-up, TCP and TLS together
  std::chrono::milliseconds answer{90'000};   ///< question sent, no byte of the answer; a long poll takes up to 60 s
  std::chrono::milliseconds stall{60'000};    ///< while bytes flow: at least `stall_bytes` in this time
  std::uint64_t stall_bytes = 1024;
  std::chrono::milliseconds total{0};  ///< the whole exchange; 0: no limit
};

/// Tells a slow line from a dead one. Pure: the caller brings the time.
class ProgressWatch {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  /// A new exchange whose question has `question_bytes`.
  void start(const Patience& patience, std::uint64_t question_bytes, Instant now);

  /// The bytes of the question that went out and those of the answer that came in, so far. True: give up. Time without
  /// a connection is only part of `total`; whoever makes the connection holds it to `connect`.
  [[nodiscard]] bool stalled(bool connected, std::uint64_t up, std::uint64_t down, Instant now);

 private:
  enum class Phase { asking, waiting, receiving };

  Patience patience_;
  std::uint64_t question_bytes_ = 0;
  Phase phase_ = Phase::asking;
  Instant started_;
  Instant window_start_;
  std::uint64_t window_bytes_ = 0;
};

}  // namespace omrsync::http
