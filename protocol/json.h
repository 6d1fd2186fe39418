#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/result.h"

namespace omrsync {

/// A JSON document as a value: what configuration files, cards and answers of commands are read into and written from.
/// Not for bodies of change sets, which are streamed. Members keep their order. Numbers: integers that fit are
/// std::int64_t, everything else double.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}
  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Json(T value)
      : value_(static_cast<std::int64_t>(value)) {}

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(value_); }
  [[nodiscard]] const bool* boolean() const noexcept { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* integer() const noexcept { return std::get_if<std::int64_t>(&value_); }
  [[nodiscard]] const double* real() const noexcept { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* text() const noexcept { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const Array* array() const noexcept { return std::get_if<Array>(&value_); }
  [[nodiscard]] const Object* object() const noexcept { return std::get_if<Object>(&value_); }

  /// The member of that name; null when this is no object or has none.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;

  /// The text member of that name; empty when there is none.
  [[nodiscard]] std::string_view text_of(std::string_view key) const noexcept;

  /// Makes this an object if it was null, and sets or replaces a member. Returns *this.
  Json& set(std::string_view key, Json value);

  /// Makes this an array if it was null, and appends. Returns *this.
  Json& add(Json value);

  [[nodiscard]] bool operator==(const Json&) const = default;

 private:
  friend void write_json(const Json& value, std::string& out);
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value_ = nullptr;
};

/// Compact, on one line, without a line end. Text that is not UTF-8 becomes U+FFFD byte by byte; NaN and infinities
/// become null. Appends to `out`.
void write_json(const Json& value, std::string& out);
[[nodiscard]] std::string to_string(const Json& value);

/// The same over several lines, two blanks a level, for files that people read.
[[nodiscard]] std::string to_pretty_string(const Json& value);

struct JsonLimits {
  std::size_t max_bytes = 16U << 20U;
  std::size_t max_depth = 64;
  std::size_t max_members = 10'000;  ///< of one object
};

/// Strict: one document, UTF-8, no comments, no trailing commas, no member twice. A failure is `set_aside` with `code`,
/// and its message names the byte where reading stopped, never the content.
[[nodiscard]] Result<Json> parse_json(std::string_view text, Code code = Code::wire_malformed, JsonLimits limits = {});

}  // namespace omrsync
