#include "adapters/http/progress_watch.h"

namespace omrsync::http {

void ProgressWatch::start(const Patience& patience, std::uint64_t question_bytes, Instant now) {
  patience_ = patience;
  question_bytes_ = question_bytes;
  phase_ = Phase::asking;
  started_ = window_start_ = now;
  window_bytes_ = 0;
}

bool ProgressWatch::stalled(bool connected, std::uint64_t up, std::uint64_t down, Instant now) {
  const Phase phase = down > 0 ? Phase::receiving : up < question_bytes_ ? Phase::asking : Phase::waiting;
  if (!connected || phase != phase_ || up + down - window_bytes_ >= patience_.stall_bytes) {
    phase_ = phase;
    window_start_ = now;
    window_bytes_ = up + down;
  }
  if (patience_.total.count() > 0 && now - started_ > patience_.total) return true;
  return now - window_start_ > (phase_ == Phase::waiting ? patience_.answer : patience_.stall);
}

}  // namespace omrsync::http
