#pragma once

#include <string>

#include "protocol/state.h"

/// Replication's one operation, and the few that make states. Pure: no clock, no database, no chance.
namespace omrsync::conflict {

/// Whose choice of `shown` counts where two states meet (rule 6.3): the side nearer the root of the tree.
enum class ShownBy {
  mine,    ///< theirs comes from below, or is an older word from above: it adds siblings, it does not turn the choice
  theirs,  ///< theirs comes from above
};

/// Both states in one. A sibling stays if both sides hold it, or if the other side has not seen its dot; contexts
/// unite. On contexts and siblings commutative, associative and idempotent (T2), so neither order nor repetition
/// matters. Values are never looked at. Where only one side knows a sibling's value (`theirs` for an equal dot), `mine`
/// is kept.
[[nodiscard]] RootState join(const RootState& mine, const RootState& theirs, ShownBy shown);

/// Which sibling a group shows after a join, given what each side showed (null: that side lacks the group): the
/// preferred side's, else the other's, else the lowest; in `life` a tombstone always (R29).
[[nodiscard]] Dot choose_shown(const GroupName& name, const std::vector<Sibling>& siblings, const Dot* preferred,
                               const Dot* other);

/// A write made with knowledge of `seen` (what stood there) only: it takes the place of that sibling and of siblings of
/// the same value (R9), and leaves the rest. `state` then covers the new dot and shows it, unless a tombstone remains.
void write(RootState& state, const GroupName& group, Sibling written, const Dot* seen);

/// True when the group has siblings of different values: a conflict, unless it is bookkeeping.
[[nodiscard]] bool differs(const Group& group) noexcept;

/// Same writes seen, same siblings, same choice; values are not compared (one dot, one value).
[[nodiscard]] bool same_state(const RootState& a, const RootState& b) noexcept;

/// Id of the conflict on a group (rule 6.3): 20 hex digits, equal on every node that sees the same lowest dot.
[[nodiscard]] std::string conflict_id(const RootKey& root, const GroupName& group, const Group& contents);

}  // namespace omrsync::conflict
