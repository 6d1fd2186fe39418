#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/result.h"

namespace omrsync::ports {

/// Named by who must act.
enum class Level {
  debug,    ///< nobody; off by default
  info,     ///< nobody; rare and bounded, so that no other node can fill the disk
  warning,  ///< the operator should act
  error,    ///< the node stops
};

/// Text for people out of an Error, whose messages never carry patient data.
struct Reason {
  std::string_view text;
};

/// One `key=value` of a line. Takes ids, counts, durations and codes; there is no way in for a row or a resource.
/// A text with blanks or with anything but printable ASCII is not an id and is written as "(withheld)".
struct Field {
  using Value = std::variant<std::int64_t, std::uint64_t, std::chrono::milliseconds, Code, std::string_view, Reason>;

  template <std::signed_integral T>
  Field(std::string_view name, T count) : key(name), value(static_cast<std::int64_t>(count)) {}
  template <std::unsigned_integral T>
  Field(std::string_view name, T count) : key(name), value(static_cast<std::uint64_t>(count)) {}
  Field(std::string_view name, std::chrono::milliseconds duration) : key(name), value(duration) {}
  Field(std::string_view name, Code code) : key(name), value(code) {}
  Field(std::string_view name, std::string_view id) : key(name), value(id) {}
  Field(std::string_view name, const std::string& id) : key(name), value(std::string_view(id)) {}
  Field(std::string_view name, const char* id) : key(name), value(std::string_view(id)) {}
  Field(std::string_view name, Reason reason) : key(name), value(reason) {}

  std::string_view key;
  Value value;
};

/// Where the node tells what it does: one line per event. Thread-safe; never fails, never waits for a reader.
class Log {
 public:
  virtual ~Log() = default;

  /// `event` is a constant of the program, lower case with dots ("capture.started"), so that it can be searched for.
  virtual void write(Level level, std::string_view event, std::span<const Field> fields) = 0;

  using Fields = std::initializer_list<Field>;
  void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, all(fields)); }
  void info(std::string_view event, Fields fields = {}) { write(Level::info, event, all(fields)); }
  void warning(std::string_view event, Fields fields = {}) { write(Level::warning, event, all(fields)); }
  void error(std::string_view event, Fields fields = {}) { write(Level::error, event, all(fields)); }

  /// The fields, then code and reason of the failure.
  void failure(Level level, std::string_view event, const Error& failed, Fields fields = {}) {
    std::vector<Field> more(fields);
    more.emplace_back("code", failed.code);
    more.emplace_back("reason", Reason{failed.message});
    write(level, event, more);
  }

 private:
  static std::span<const Field> all(const Fields& fields) { return {fields.begin(), fields.size()}; }
};

namespace log_text {

inline bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 200 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '='; });
}

/// In quotes; quotes, backslashes and control characters become blanks, so that a line stays one line.
inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text)
    out += (static_cast<unsigned char>(c) < ' ' || c == 0x7F || c == '"' || c == '\\') ? ' ' : c;
  return out + '"';
}

struct Writer {
  std::string operator()(std::int64_t n) const { return std::to_string(n); }
  std::string operator()(std::uint64_t n) const { return std::to_string(n); }
  std::string operator()(std::chrono::milliseconds d) const { return std::to_string(d.count()) + "ms"; }
  std::string operator()(Code code) const { return to_string(code); }
  std::string operator()(std::string_view id) const { return is_id(id) ? std::string(id) : "(withheld)"; }
  std::string operator()(Reason reason) const { return quoted(reason.text); }
};

}  // namespace log_text

/// "event key=value key=value", as every sink writes it after time and level.
[[nodiscard]] inline std::string line_of(std::string_view event, std::span<const Field> fields) {
  std::string line(event);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += std::visit(log_text::Writer{}, field.value);
  }
  return line;
}

}  // namespace omrsync::ports
