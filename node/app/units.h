#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace omrsync::app {

/// "250ms", "30s", "15min", "2h", "7d". A number alone is refused: its unit would be a guess.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "500MB", "64KiB", "16MiB", "1GiB", "800B".
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// A stretch of the week in minutes from Monday 00:00 local time; `end` may lie past the end of the week and then
/// wraps.
struct Span {
  unsigned begin = 0;
  unsigned end = 0;
  [[nodiscard]] bool holds(unsigned minute_of_week) const noexcept;
};
inline constexpr unsigned kMinutesOfDay = 24 * 60;
inline constexpr unsigned kMinutesOfWeek = 7 * kMinutesOfDay;

/// When a line may be used.
struct Window {
  std::vector<Span> spans;  ///< empty: always
  [[nodiscard]] bool open_at(unsigned minute_of_week) const noexcept;
};

/// "always", or spans with commas: "18:00-06:00", "Mon-Fri 18:00-06:00, Sat-Sun 00:00-24:00".
[[nodiscard]] Result<Window> parse_window(std::string_view text);

/// How much a line may carry.
struct RatePlan {
  struct Entry {
    Span span;
    std::uint64_t bytes_per_second = 0;  ///< 0: no limit
  };
  std::vector<Entry> entries;   ///< the first that holds counts
  std::uint64_t otherwise = 0;  ///< 0: no limit
  [[nodiscard]] std::uint64_t bytes_per_second_at(unsigned minute_of_week) const noexcept;
};

/// "off", "64KiB/s", or a timetable "08:00-17:00 16KiB/s, Sat-Sun 00:00-24:00 32KiB/s, off"; the entry without hours,
/// if there is one, comes last.
[[nodiscard]] Result<RatePlan> parse_rate_plan(std::string_view text);

}  // namespace omrsync::app
