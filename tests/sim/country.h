#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/sim/chart.h"
#include "tests/sim/network.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/staff.h"

namespace omrsync::sim {

/// Where a node stands: its place in the list of its parent; none for the root.
struct Site {
  std::string name;
  std::optional<std::size_t> parent;
  bool is_repository = false;  ///< without OpenMRS
};

/// A tree of nodes in one thread, driven by one seed.
class Country {
 public:
  Country(std::vector<Site> sites, std::uint64_t seed);
  ~Country();

  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  SimNode& node(std::size_t place) { return *nodes_[place]; }
  SimNode& node(const std::string& name);
  Staff& staff(std::size_t place) { return *staff_[place]; }
  Staff& staff(const std::string& name);
  Chart& chart() noexcept { return chart_; }
  Network& network() noexcept { return *network_; }

  /// A number below `below`.
  std::size_t pick(std::size_t below) { return random_() % below; }
  bool perhaps(unsigned percent) { return pick(100) < percent; }

  void start_all();
  /// A restart; when the power went off before too.
  void restart(std::size_t place);

  /// Time passes for everybody.
  void pass(std::chrono::milliseconds time);
  /// Some worker that is due takes a step; when none is due, time passes.
  void step();
  void run(std::size_t steps);
  /// Only this worker, this often.
  void drive(const std::string& node, std::string_view worker, int times = 3);

  /// Prints what becomes of this root wherever it changes.
  void trace(const RootKey& root) { traced_ = root; }

  /// No more faults, nobody writes: until nothing moves any more. False: it never ends.
  bool settle();

 private:
  struct Task {
    std::size_t node;
    std::size_t worker;
    std::chrono::milliseconds due;
  };
  void plan(std::size_t place);
  void revive();
  std::optional<ports::Response> ask(const std::string& id, const ports::IncomingRequest& request);

  std::mt19937_64 random_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  Chart chart_;
  std::vector<std::unique_ptr<Staff>> staff_;
  std::vector<Task> tasks_;
  void report(std::size_t place, std::string_view worker);
  std::optional<RootKey> traced_;
  std::map<std::size_t, std::string> last_traced_;
  std::chrono::milliseconds now_{0};
};

/// P with A and B below.
[[nodiscard]] std::vector<Site> two_clinics();
/// P; D and B below it; A and K below D.
[[nodiscard]] std::vector<Site> with_district();
/// `nodes` in a tree of three tiers.
[[nodiscard]] std::vector<Site> tree(std::size_t nodes);

}  // namespace omrsync::sim
