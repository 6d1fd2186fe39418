#include "tests/sim/plants.h"

#include <map>

#include "node/plant.h"

namespace omrsync::sim {
namespace {

std::map<std::string, bool*> switches() {
  node::Plant& faults = node::planted();
  return {{"ledger-out-of-order", &faults.ledger_out_of_order},
          {"no-before-images", &faults.no_before_images},
          {"bodies-unchecked", &faults.bodies_unchecked},
          {"decision-numbered-early", &faults.decision_numbered_early},
          {"no-stale-save-rule", &faults.no_stale_save_rule},
          {"no-closure", &faults.no_closure},
          {"old-context", &faults.old_context},
          {"one-link-only", &faults.one_link_only}};
}

constexpr const char* kWaiting = "waiting-for-locks";
constexpr const char* kUnguarded = "no-guard-on-deletes";

}  // namespace

std::vector<std::string> plants() {
  std::vector<std::string> names{kWaiting, kUnguarded};
  for (const auto& [name, place] : switches()) names.push_back(name);
  return names;
}

bool plant(const std::string& name, HistoryOptions& options) {
  if (name == kWaiting) return options.wait_for_locks = true;
  if (name == kUnguarded) return options.deletes_unguarded = true;
  const auto known = switches();
  const auto found = known.find(name);
  if (found == known.end()) return false;
  options.restores = name == "old-context" || name == "one-link-only";
  return *found->second = true;
}

void uproot() { node::planted() = {}; }

}  // namespace omrsync::sim
