#pragma once

#include <optional>
#include <vector>

#include "node/apply/plan.h"

namespace omrsync::node {

/// One root of an apply transaction, as it stands under its locks, and what came for it.
struct RootBefore {
  RootKey root;
  ports::RootTable::Class kind = ports::RootTable::Class::clinical;
  std::optional<LedgerRow> row;
  std::optional<ports::RootContent> content;
  std::vector<const RootState*> incoming;  ///< in link order
  bool from_below = true;
  bool newest_from_above = false;  ///< from above with a higher link number than the last taken: `shown` is taken (6.3)
};

struct RootPlan {
  PlannedRoot planned;
  ports::RootWrite write;  ///< empty when the database needs no change
  bool writes = false;
  bool changes = false;    ///< the joined state is not the one that was here
  Outcome::State outcome = Outcome::State::applied;
};

/// What becomes of a root when what came joins what is here. Pure.
[[nodiscard]] RootPlan plan_root(const RootBefore& before, const LoadDots& dots);

/// Joins in the order in which things came. `shown_from_above`: the last came from above, and what it shows is taken (6.3).
[[nodiscard]] RootState join_all(RootState here, const std::vector<const RootState*>& incoming, bool shown_from_above);

}  // namespace omrsync::node
