#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "protocol/codes.h"

namespace omrsync {

/// What a caller should do about a failure. Chosen where the failure is seen, because only that place knows whether
/// trying again can help.
enum class Remedy {
  retry_later,  ///< the same work may succeed after a pause
  reconnect,    ///< the connection is spoiled, the work is not: make a new connection, then repeat
  set_aside,    ///< this item can never succeed as it is; quarantine it and go on with the next
  look_first,   ///< it may have happened already; ask before doing it again
  stop_node,    ///< going on could lose or corrupt what was written
};

/// A failure as a value. `message` is for people, in one sentence, and never carries patient data.
struct Error {
  Remedy remedy;
  Code code;
  std::string message;
};

/// A value, or the reason there is none. A subset of C++23 std::expected.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};  ///< the value of an operation that has nothing to say on success
using Status = Result<Done>;

}  // namespace omrsync

#define OMRSYNC_CONCAT_(a, b) a##b
#define OMRSYNC_CONCAT(a, b) OMRSYNC_CONCAT_(a, b)

/// OMRSYNC_TRY(name, expr): declares `name` with the value of `expr`, or returns its Error from this function.
#define OMRSYNC_TRY(name, expr)                                                                         \
  auto OMRSYNC_CONCAT(result_, __LINE__) = (expr);                                                      \
  if (!OMRSYNC_CONCAT(result_, __LINE__).has_value()) return OMRSYNC_CONCAT(result_, __LINE__).error(); \
  auto name = std::move(OMRSYNC_CONCAT(result_, __LINE__)).value()

/// OMRSYNC_CHECK(expr): returns the Error of `expr` from this function, if it has one.
#define OMRSYNC_CHECK(expr)                                                                            \
  if (auto OMRSYNC_CONCAT(status_, __LINE__) = (expr); !OMRSYNC_CONCAT(status_, __LINE__).has_value()) \
  return OMRSYNC_CONCAT(status_, __LINE__).error()
