// The test of the simulator: each planted fault turns it red, and without one it is green.
#include "tests/sim/plants.h"

#include "tests/support/catch.h"

using namespace omrsync::sim;

namespace {

constexpr std::uint64_t kSeeds = 400;

/// The first seed that shows a violation.
std::optional<std::uint64_t> first_red(const HistoryOptions& options, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    if (!play_history(seed, options).empty()) return seed;
  return std::nullopt;
}

}  // namespace

TEST_CASE("random histories of an engine without planted faults end well", "[sim]") {
  HistoryOptions options;
  options.nodes = 3;
  CHECK(first_red(options, 60) == std::nullopt);
  options.nodes = 6;
  CHECK(first_red(options, 15) == std::nullopt);
}

TEST_CASE("random histories with databases, stores and machines put back lose nothing", "[sim]") {
  HistoryOptions options;
  options.nodes = 3;
  options.restores = true;
  CHECK(first_red(options, 60) == std::nullopt);
}

TEST_CASE("each planted fault is found", "[sim][plants]") {
  const std::string name = GENERATE(from_range(plants()));
  HistoryOptions options;
  options.nodes = 3;
  uproot();
  REQUIRE(plant(name, options));
  const auto found = first_red(options, kSeeds);
  uproot();
  INFO(name);
  CHECK(found.has_value());
}
