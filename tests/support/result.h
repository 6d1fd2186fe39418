#pragma once

#include <string>
#include <utility>

#include "protocol/result.h"
#include "tests/support/catch.h"

namespace omrsync::test {

[[nodiscard]] inline std::string text_of(const Error& error) { return to_string(error.code) + " " + error.message; }

/// The value; a failure ends the test case and says which.
template <typename T>
T must(Result<T> result) {
  if (!result.has_value()) FAIL("unexpected failure: " << text_of(result.error()));
  return std::move(result).value();
}

/// The error; success ends the test case.
template <typename T>
Error must_fail(Result<T> result) {
  if (result.has_value()) FAIL("a failure was expected");
  return result.error();
}

}  // namespace omrsync::test
