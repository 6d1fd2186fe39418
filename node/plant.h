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
  bool newest_only = false;              ///< of siblings the one with the highest dot stays
  bool anyone_turns_shown = false;       ///< what comes from below turns what is shown, too
  bool batches_twice = false;            ///< a batch is taken whatever was stored before it
  bool trims_all = false;                ///< a receipt trims what was not stored yet
  bool nobody_woken = false;             ///< held sets are not looked at when their target comes
  bool nothing_repaired = false;         ///< rows that are not what is to be shown stay so
  bool held_dropped = false;             ///< a set that misses a target is done with
  bool rows_unread = false;              ///< apply writes over whatever stands under its locks
  bool echoes = false;                   ///< our own transactions count as people's
  bool children_forgotten = false;       ///< what came from one child is not logged for the others
  bool merges_kept_back = false;         ///< what joined here is not offered to the parent
  bool replaced_forgotten = false;       ///< what apply wrote over is not remembered for stale saves
  bool same_incarnation = false;         ///< a new life keeps its actor
  bool inbox_dropped = false;            ///< so does a link's
  bool tombstones_dropped = false;       ///< a new link is not told what is gone
  bool absent_ignored = false;           ///< rows that an older database lacks are not missed
  bool kept_in_silence = false;          ///< a row that stays when it was to be purged is not told of
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
