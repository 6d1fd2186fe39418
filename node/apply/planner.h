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
  std::vector<std::string> links;          ///< by which each came
  bool from_below = false;                 ///< some of it came from a child
  bool newest_from_above = false;  ///< from above with a higher link number than the last taken: `shown` is taken (6.3)
};

struct RootPlan {
  PlannedRoot planned;
  ports::RootWrite write;  ///< empty when the database needs no change
  bool writes = false;
  bool changes = false;  ///< the joined state is not the one that was here
  Outcome::State outcome = Outcome::State::applied;
};

/// What somebody decided about a group, or that a program is to be asked.
struct Choice {
  std::vector<Sibling> over;  ///< the siblings that it has seen
  std::optional<GroupValue> value;
  std::string author;
  std::optional<Stamp> stamp{};  ///< of the value that a rule took; none: it is made now
  std::string note;              ///< conflict::DecisionNote; of `ask` and `left`: why
  std::string request;           ///< key of the DecisionRequest that it carries out
  std::string ask;               ///< this program is to be asked: nothing is decided yet
  bool left = false;             ///< left to people
};

/// A group after the join, before anything is decided.
struct Joined {
  const RootBefore& before;
  const RootState& here;
  const RootState& state;
  const GroupName& name;
  std::optional<std::optional<GroupValue>> base;  ///< what stood there before any side was written, where it is known
};

/// Who decides (6.4).
class Chooser {
 public:
  virtual ~Chooser() = default;
  /// Nothing: the group stays as it is.
  virtual Result<std::optional<Choice>> choose(const Joined& joined) = 0;
};

/// What becomes of a root when what came joins what is here. Fails only where `chooser` does.
[[nodiscard]] Result<RootPlan> plan_root(const RootBefore& before, const LoadDots& dots, Chooser& chooser);

/// Joins in the order in which things came. `shown_from_above`: the last came from above, and what it shows is taken
/// (6.3).
[[nodiscard]] RootState join_all(RootState here, const std::vector<const RootState*>& incoming, bool shown_from_above);

}  // namespace omrsync::node
