#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json.h"
#include "protocol/result.h"

namespace omrsync::cli {

/// Exit codes that scripts lean on.
namespace exit_code {
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kConfig = 3;
inline constexpr int kNotFound = 4;
inline constexpr int kTemporary = 5;
inline constexpr int kPartial = 6;
inline constexpr int kAttention = 7;
inline constexpr int kNotAllowed = 8;
inline constexpr int kLocked = 9;
inline constexpr int kIntegrity = 10;
inline constexpr int kGap = 11;
inline constexpr int kInterrupted = 130;
}  // namespace exit_code

[[nodiscard]] int exit_code_of(Code code) noexcept;

/// The two streams of a command: results on stdout, talk on stderr. With --json results are one JSON object a line and
/// nothing else.
class Output {
 public:
  Output(std::ostream& results, std::ostream& talk, bool json, bool quiet) noexcept
      : results_(results), talk_(talk), json_(json), quiet_(quiet) {}

  [[nodiscard]] bool json() const noexcept { return json_; }

  /// A result as an object; only with --json.
  void object(const Json& value);

  /// A line of a result for people; only without --json.
  void line(std::string_view text);

  /// Rows under headings, in columns as wide as they need; only without --json. No rows: `when_empty`.
  void table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows,
             std::string_view when_empty);

  /// Something worth saying beside the result; not with -q.
  void say(std::string_view text);

  /// How a failed command ends; returns its exit code.
  int failure(const Error& error) { return failure(error, exit_code_of(error.code)); }
  int failure(const Error& error, int code);

 private:
  std::ostream& results_;
  std::ostream& talk_;
  bool json_;
  bool quiet_;
};

}  // namespace omrsync::cli
