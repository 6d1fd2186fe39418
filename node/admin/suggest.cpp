#include "node/admin/suggest.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace omrsync::admin {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Steps from `a` to `b` (optimal string alignment).
std::size_t steps_between(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) steps[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) steps[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, steps[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> suggest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 100;
  if (word.empty() || word.size() > kLongest) return std::nullopt;
  const std::string wanted = lower(word);
  std::size_t fewest = std::min<std::size_t>(3, std::max<std::size_t>(2, word.size() / 2 + 1));
  std::optional<std::string> nearest;
  for (const std::string& candidate : candidates) {
    const std::size_t steps = steps_between(wanted, lower(candidate));
    if (steps >= fewest) continue;
    fewest = steps;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace omrsync::admin
