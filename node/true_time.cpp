#include "node/true_time.h"

#include <cstdlib>

#include "node/tuning.h"

namespace omrsync::node {
namespace {

constexpr std::int64_t kSecond = 1000;
/// Both clocks of a machine drift apart by less between two looks, unless somebody sets one.
constexpr std::int64_t kSet = 2 * kSecond;
/// A clock that nobody corrects drifts by less than this part of the time that passes.
constexpr std::int64_t kDrift = 10'000;

std::int64_t error_at(const TrueTime& time, std::int64_t at_ms) {
  return time.error_ms + std::abs(at_ms - time.told_at_ms) / kDrift;
}

}  // namespace

void TrueTime::pack(Packer& out) const {
  out.signed_number(boot_ms).signed_number(since_ms).signed_number(told_at_ms).signed_number(offset_ms);
  out.signed_number(error_ms).flag(trusted);
}

TrueTime TrueTime::unpack(Unpacker& in) {
  TrueTime r;
  r.boot_ms = in.signed_number();
  r.since_ms = in.signed_number();
  r.told_at_ms = in.signed_number();
  r.offset_ms = in.signed_number();
  r.error_ms = in.signed_number();
  r.trusted = in.flag();
  return r;
}

void watch_clock(TrueTime& time, ports::Clock& clock) {
  const std::int64_t now = clock.utc().count();
  const std::int64_t boot = now - clock.steady().count();
  if (std::abs(boot - time.boot_ms) <= kSet) return;
  time = {};
  time.boot_ms = boot;
  time.since_ms = now;
}

void take_time(TrueTime& time, ports::Clock& clock, const ToldTime& told, std::chrono::milliseconds round_trip) {
  watch_clock(time, clock);
  time.boot_ms = clock.utc().count() - clock.steady().count();
  time.told_at_ms = clock.utc().count();
  time.offset_ms = told.at_ms + round_trip.count() / 2 - time.told_at_ms;
  time.error_ms = told.error_ms + round_trip.count() / 2 + 1;
  time.trusted = told.trusted && std::abs(time.offset_ms) <= tuning::kClockOff.count();
}

ToldTime tell_time(const TrueTime& time, ports::Clock& clock, bool is_root) {
  const std::int64_t now = clock.utc().count();
  if (is_root) return {now, 0, true};
  if (time.told_at_ms == 0) return {now, 0, false};
  return {now + time.offset_ms, error_at(time, now), time.trusted};
}

Stamp stamp_of(const TrueTime& time, std::int64_t at_ms, bool is_root) {
  if (is_root) return {at_ms, kSecond, true};
  if (time.told_at_ms == 0 || at_ms < time.since_ms) return {at_ms, 0, false};
  const std::int64_t error = (error_at(time, at_ms) / kSecond + 2) * kSecond;  // in whole seconds, which pack well
  return {at_ms + time.offset_ms, error, time.trusted};
}

}  // namespace omrsync::node
