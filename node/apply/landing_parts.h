#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/apply/plan.h"
#include "node/store/facts.h"
#include "node/world.h"

/// What the parts of a landing share (landing.h): the roots in landing.cpp, their conflicts and decisions in
/// landing_conflicts.cpp.
namespace omrsync::node {

using ChangesByRoot = std::map<std::reference_wrapper<const RootKey>, const ports::RootChange*, std::less<RootKey>>;

/// What every root of one plan shares while it lands.
struct Landing {
  ports::StoreTransaction& tx;
  const World& world;
  const ports::LogPosition& position;
  const ChangesByRoot changes;  ///< of our apply transaction; none where the database needed no change
  std::int64_t at_ms = 0;
  std::uint64_t sequence = 0;  ///< of the decisions of this plan; 0: none yet (numbered here, at its place in the log)
  std::vector<std::string> conflicts;
  std::vector<RootKey> changed;
  bool tells = false;  ///< something is a write of ours: a root stays that was purged elsewhere, a person decided
  std::set<std::pair<std::string, Uuid>> writers;  ///< whose origin was noted

  [[nodiscard]] Stamp stamp() const { return world.stamp(at_ms); }

  Result<Dot> own_dot() {
    if (sequence == 0) {
      OMRSYNC_TRY(number, take_number(tx, "sequence"));
      sequence = number;
    }
    return Dot{world.identity.actor(), sequence};
  }
};

/// What a root's conflicts were before, and what the log shows of it.
struct Was {
  const std::optional<LedgerRow>& row;
  const RootState& before;
};

/// What the log shows of a root, of one of its groups; null: nothing.
[[nodiscard]] const ports::RootChange* change_of(const Landing& landing, const RootKey& root);
[[nodiscard]] const ports::GroupChange* change_of(const ports::RootChange* change, const GroupName& name);

/// Notes where the writers that a context names stand; once a landing for each.
Status note_writers(Landing& landing, const std::string& link, const Context& context);

/// Somebody decided: one new dot of ours takes the place of the siblings that the decision has seen (6.4).
Status decide_group(Landing& landing, const RootKey& root, RootState& joined, PlannedGroup& planned);

/// What somebody changed while another, unknown to him, voided or purged the root: people are to look at it (6.2).
Status note_unseen_end(Landing& landing, RootState& joined, PlannedRoot& planned);

/// Opens what collides from now on, and closes what does no longer.
Status note_collisions(Landing& landing, const PlannedRoot& planned);

/// Opens, keeps and closes the conflicts of a root, and lists what was decided, here or elsewhere.
Status note_conflicts(Landing& landing, const PlannedRoot& planned, const RootState& joined, const Was& was,
                      bool first_contact);

}  // namespace omrsync::node
