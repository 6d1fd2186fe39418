// Decisions of the conflict layer: how many a second, for each policy.
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "conflict/policy.h"
#include "protocol/cells.h"

namespace {

using namespace omrsync;
using namespace omrsync::conflict;

std::vector<View> some_views(std::size_t count) {
  std::vector<View> views;
  for (std::size_t i = 0; i < count; ++i) {
    View view;
    view.root = {"person", "6f7b2a3e-0000-4000-8000-" + std::to_string(100'000'000'000 + i)};
    view.type = "Patient";
    view.group = "person_name/0c1d2e3f-0000-4000-8000-" + std::to_string(100'000'000'000 + i);
    for (std::uint8_t n = 0; n < 2 + i % 3; ++n) {
      Side side;
      side.dot.actor.node.bytes[0] = static_cast<std::uint8_t>(n + 1);
      side.dot.sequence = i + 1;
      side.writer = side.dot.actor.node;
      side.site = "clinic-" + std::to_string(n);
      side.depth = (n + static_cast<int>(i)) % 3;
      side.stamp = {static_cast<std::int64_t>(1000 * i + 10'000 * n), 500, i % 5 != 0};
      side.value = encode_cells({{"family_name", "Wanjiru"}, {"given_name", std::to_string(n)}});
      side.shown = n == 0;
      view.sides.push_back(std::move(side));
    }
    view.owner = view.sides.back().writer;
    views.push_back(std::move(view));
  }
  return views;
}

/// Of this process's own computing, so that a busy machine does not matter.
double seconds_since(std::clock_t start) { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; }

void measure(const char* name, const Policy& policy, const std::vector<View>& views) {
  constexpr int kRounds = 20;
  std::size_t won = 0;
  const auto start = std::clock();
  for (int round = 0; round < kRounds; ++round)
    for (const View& view : views) won += decide(policy, view).outcome == Decision::Outcome::winner;
  const double rate = kRounds * static_cast<double>(views.size()) / seconds_since(start);
  std::printf(
      R"({"bench":"conflict","figure":"decisions_per_second","value":%.0f,"unit":"1/s","baseline":"target 200000 a core",)"
      R"("ratio":%.1f,"setting":"%s, %zu conflicts of 2 to 4 sides, %.0f %% decided"})"
      "\n",
      rate, rate / 200'000, name, views.size(),
      100.0 * static_cast<double>(won) / (kRounds * static_cast<double>(views.size())));
}

}  // namespace

int main() {
  const std::vector<View> views = some_views(20'000);
  measure("safe", {}, views);
  for (const Word word : {Word::parent_wins, Word::child_wins, Word::newest_wins, Word::owner_site_wins,
                          Word::field_merge, Word::set_union, Word::manual}) {
    Policy policy;
    policy.rules.push_back({"Observation", "*", "*", Word::manual, Word::manual, {}, 1});
    policy.rules.push_back({"Patient", "person_name*", "clinic-*", word, Word::manual, {}, 2});
    measure(std::string(to_string(word)).c_str(), policy, views);
  }
}
