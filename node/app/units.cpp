#include "node/app/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace omrsync::app {
namespace {

Error refuse(std::string message) { return {Remedy::set_aside, Code::config_invalid, std::move(message)}; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const auto at = text.find(by, from);
    parts.push_back(trim(text.substr(from, at == std::string_view::npos ? at : at - from)));
    if (at == std::string_view::npos) return parts;
    from = at + 1;
  }
}

/// The number at the front and what follows it.
std::optional<std::pair<std::uint64_t, std::string_view>> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return std::pair{number, trim(text.substr(static_cast<std::size_t>(end - text.data())))};
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array kDurations = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"min", 60'000}, Unit{"h", 3600'000},
                                   Unit{"d", 86'400'000}};
constexpr std::array kSizes = {
    Unit{"B", 1},           Unit{"KB", 1000},       Unit{"MB", 1'000'000}, Unit{"GB", 1'000'000'000},
    Unit{"KiB", 1U << 10U}, Unit{"MiB", 1U << 20U}, Unit{"GiB", 1U << 30U}};

template <std::size_t N>
Result<std::uint64_t> with_unit(std::string_view text, const std::array<Unit, N>& units, std::string_view example) {
  constexpr std::uint64_t kMost = 1ULL << 52U;
  const auto parts = leading_number(trim(text));
  if (!parts) return refuse("is not a number with a unit; write it like \"" + std::string(example) + "\"");
  if (parts->second.empty()) return refuse("needs a unit; write it like \"" + std::string(example) + "\"");
  for (const Unit& unit : units) {
    if (unit.name != parts->second) continue;
    if (parts->first > kMost / unit.factor) return refuse("is too large");
    return parts->first * unit.factor;
  }
  std::string names;
  for (const Unit& unit : units) names += (names.empty() ? "" : ", ") + std::string(unit.name);
  return refuse("has an unknown unit '" + std::string(parts->second) + "'; units are " + names);
}

std::optional<unsigned> day_of(std::string_view name) {
  constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  const auto found = std::find(kDays.begin(), kDays.end(), name);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<unsigned>(found - kDays.begin());
}

/// "18:05" as minutes; "24:00" only as an end.
std::optional<unsigned> minute_of(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 2 || parts[0].size() > 2 || parts[1].size() != 2) return std::nullopt;
  const auto hour = leading_number(parts[0]);
  const auto minute = leading_number(parts[1]);
  if (!hour || !minute || !hour->second.empty() || !minute->second.empty()) return std::nullopt;
  if (hour->first > 24 || minute->first > 59 || (hour->first == 24 && minute->first != 0)) return std::nullopt;
  return static_cast<unsigned>(hour->first * 60 + minute->first);
}

/// First and last day of "Mon" or "Fri-Sun"; Sunday to Monday is allowed and wraps.
std::optional<std::pair<unsigned, unsigned>> days_of(std::string_view text) {
  const auto parts = split(text, '-');
  if (parts.size() > 2) return std::nullopt;
  const auto first = day_of(parts.front());
  const auto last = day_of(parts.back());
  if (!first || !last) return std::nullopt;
  return std::pair{*first, *last};
}

/// The spans of "[days ]HH:MM-HH:MM".
Result<std::vector<Span>> parse_spans(std::string_view text) {
  const auto fault = [&] {
    return refuse("has '" + std::string(text) + "', which is no span; write it like \"Mon-Fri 18:00-06:00\"");
  };
  const auto blank = text.find(' ');
  std::pair<unsigned, unsigned> days{0, 6};
  if (blank != std::string_view::npos) {
    const auto named = days_of(text.substr(0, blank));
    if (!named) return fault();
    days = *named;
  }
  const auto hours = split(blank == std::string_view::npos ? text : trim(text.substr(blank)), '-');
  if (hours.size() != 2) return fault();
  const auto begin = minute_of(hours[0]);
  const auto end = minute_of(hours[1]);
  if (!begin || !end || *begin == *end || *begin == kMinutesOfDay) return fault();
  std::vector<Span> spans;
  for (unsigned day = days.first;; day = (day + 1) % 7) {
    const unsigned midnight = day * kMinutesOfDay;
    spans.push_back({midnight + *begin, midnight + *end + (*end < *begin ? kMinutesOfDay : 0)});
    if (day == days.second) return spans;
  }
}

Result<std::uint64_t> parse_rate(std::string_view text) {
  if (text == "off") return std::uint64_t{0};
  if (!text.ends_with("/s")) return refuse("needs a rate such as \"64KiB/s\", or \"off\"");
  OMRSYNC_TRY(rate, with_unit(text.substr(0, text.size() - 2), kSizes, "64KiB/s"));
  if (rate == 0) return refuse("may not be zero; to send nothing use 'omrsync pause', for no limit \"off\"");
  return rate;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  OMRSYNC_TRY(count, with_unit(text, kDurations, "15min"));
  return std::chrono::milliseconds(count);
}

Result<std::uint64_t> parse_size(std::string_view text) { return with_unit(text, kSizes, "64MiB"); }

bool Span::holds(unsigned minute_of_week) const noexcept {
  const unsigned minute = minute_of_week % kMinutesOfWeek;
  return (minute >= begin && minute < end) || minute + kMinutesOfWeek < end;
}

bool Window::open_at(unsigned minute_of_week) const noexcept {
  return spans.empty() ||
         std::any_of(spans.begin(), spans.end(), [&](const Span& span) { return span.holds(minute_of_week); });
}

Result<Window> parse_window(std::string_view text) {
  Window window;
  if (trim(text) == "always") return window;
  for (const std::string_view part : split(text, ',')) {
    OMRSYNC_TRY(spans, parse_spans(part));
    window.spans.insert(window.spans.end(), spans.begin(), spans.end());
  }
  return window;
}

std::uint64_t RatePlan::bytes_per_second_at(unsigned minute_of_week) const noexcept {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.span.holds(minute_of_week); });
  return found == entries.end() ? otherwise : found->bytes_per_second;
}

Result<RatePlan> parse_rate_plan(std::string_view text) {
  RatePlan plan;
  const auto parts = split(text, ',');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto blank = parts[i].rfind(' ');
    const std::string_view rate_text = blank == std::string_view::npos ? parts[i] : parts[i].substr(blank + 1);
    OMRSYNC_TRY(rate, parse_rate(rate_text));
    if (blank == std::string_view::npos) {
      if (i + 1 != parts.size()) return refuse("has a rate without hours that is not the last one");
      plan.otherwise = rate;
      continue;
    }
    OMRSYNC_TRY(spans, parse_spans(trim(parts[i].substr(0, blank))));
    for (const Span& span : spans) plan.entries.push_back({span, rate});
  }
  return plan;
}

}  // namespace omrsync::app
