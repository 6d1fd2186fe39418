#pragma once

/// Faults that tests plant in a build of the engine of their own, to see that the simulator finds them. In every
/// program that people run OMRSYNC_PLANTED is false.
#ifdef OMRSYNC_PLANT
namespace omrsync::node {

struct Plant {
  bool ledger_out_of_order = false;      ///< what came is joined when apply commits, not at its place in the log
  bool no_before_images = false;         ///< what apply writes over is kept nowhere
  bool bodies_unchecked = false;         ///< bodies are whatever the database shows when they are read
  bool decision_numbered_early = false;  ///< a decision gets its number when its set is first tried
  bool no_stale_save_rule = false;       ///< every local write counts as having seen what it replaced
  bool no_closure = false;               ///< held sets that wait for one another are not applied together
  bool old_context = false;              ///< a first contact claims to have seen what the ledger knew
  bool one_link_only = false;            ///< a node's new life begins towards its parent only
};

inline Plant& planted() {
  static Plant faults;
  return faults;
}

}  // namespace omrsync::node
#define OMRSYNC_PLANTED(fault) (::omrsync::node::planted().fault)
#else
#define OMRSYNC_PLANTED(fault) false
#endif
