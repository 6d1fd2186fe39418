#include "adapters/openmrs/fhir/zone.h"

#include <date/tz.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace omrsync::openmrs::fhir {
namespace {

/// Rules that go on for ever are followed until then.
constexpr std::int64_t kUntil = 7'258'118'400;  // 2200-01-01
constexpr std::int64_t kFrom = -5'364'662'400;  // 1800-01-01

std::string offset_text(std::int64_t seconds) {
  const std::int64_t minutes = std::abs(seconds) / 60;
  if (minutes > 14 * 60) return {};
  const auto two = [](std::int64_t value) {
    return std::string{static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
  };
  return (seconds < 0 && minutes > 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60);
}

const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

Result<Zone> Zone::load(const std::string& name) {
  const date::time_zone* zone = find_zone(name);
  if (zone == nullptr)
    return Error{Remedy::set_aside, Code::config_invalid, "there is no time zone of that name in the zone data"};
  Zone loaded;
  for (std::int64_t at = kFrom; at < kUntil;) {
    const date::sys_info info = zone->get_info(date::sys_seconds(std::chrono::seconds(at)));
    const std::int64_t offset = info.offset.count();
    constexpr auto kEver = std::numeric_limits<std::int64_t>::min();
    Period period{kEver, kEver, offset, {}};
    if (!loaded.periods_.empty()) period = {at + offset, at, offset, {}};
    const std::string text = offset_text(offset);
    std::memcpy(period.text, text.c_str(), text.size() + 1);
    loaded.periods_.push_back(period);
    at = info.end.time_since_epoch().count();
  }
  std::stable_sort(loaded.periods_.begin(), loaded.periods_.end(),
                   [](const Period& a, const Period& b) { return a.from < b.from; });
  return loaded;
}

std::string_view Zone::offset_at(std::int64_t wall_clock) const noexcept {
  const auto after = std::upper_bound(periods_.begin(), periods_.end(), wall_clock,
                                      [](std::int64_t at, const Period& period) { return at < period.from; });
  return std::prev(after)->text;
}

std::string Zone::instant(std::int64_t at_ms) const {
  const std::int64_t second = at_ms >= 0 ? at_ms / 1000 : (at_ms - 999) / 1000;
  const Period* period = &periods_.front();
  for (const Period& each : periods_)
    if (each.from_utc <= second && each.from_utc >= period->from_utc) period = &each;
  // Where FHIR has no text for the offset, the instant is told in UTC.
  const bool known = period->text[0] != '\0';
  const std::int64_t minutes = known ? period->offset / 60 * 60 : 0;
  const date::sys_time<std::chrono::milliseconds> local{std::chrono::milliseconds(at_ms + minutes * 1000)};
  return date::format("%FT%T", local) + (known ? period->text : "+00:00");
}

}  // namespace omrsync::openmrs::fhir
