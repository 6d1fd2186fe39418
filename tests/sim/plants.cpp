#include "tests/sim/plants.h"

#include <map>
#include <set>

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
          {"one-link-only", &faults.one_link_only},
          {"newest-only", &faults.newest_only},
          {"anyone-turns-shown", &faults.anyone_turns_shown},
          {"batches-twice", &faults.batches_twice},
          {"trims-all", &faults.trims_all},
          {"nobody-woken", &faults.nobody_woken},
          {"nothing-repaired", &faults.nothing_repaired},
          {"held-dropped", &faults.held_dropped},
          {"rows-unread", &faults.rows_unread},
          {"echoes", &faults.echoes},
          {"children-forgotten", &faults.children_forgotten},
          {"merges-kept-back", &faults.merges_kept_back},
          {"replaced-forgotten", &faults.replaced_forgotten},
          {"same-incarnation", &faults.same_incarnation},
          {"inbox-dropped", &faults.inbox_dropped},
          {"tombstones-dropped", &faults.tombstones_dropped},
          {"absent-ignored", &faults.absent_ignored},
          {"kept-in-silence", &faults.kept_in_silence}};
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
  static const std::set<std::string> kOfNewLives{"old-context",      "one-link-only", "any-marker",
                                                 "same-incarnation", "inbox-dropped", "tombstones-dropped",
                                                 "absent-ignored"};
  options.restores = kOfNewLives.contains(name);
  return *found->second = true;
}

void uproot() { node::planted() = {}; }

}  // namespace omrsync::sim
