#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conflict/join.h"
#include "node/ledger/state.h"
#include "node/store/records.h"
#include "protocol/messages.h"

/// What one apply transaction is going to do: computed under its locks, carried in its marker, and carried out in the
/// ledger when capture meets the marker in the log (D7).
namespace omrsync::node {

struct PlannedGroup {
  GroupName name;
  bool stood = false;                ///< it stood in the database before
  std::uint64_t load_dot = 0;        ///< of the value that stood, where the root stood as loaded
  Dot target;                        ///< the sibling whose value the database holds afterwards
  bool written = false;              ///< this transaction writes it
  bool differs = false;              ///< siblings of different values remain
  bool decided = false;              ///< one of ours replaces the siblings `over`: somebody took `target`'s value (6.4)
  std::uint64_t hash = 0;            ///< of what the transaction wrote; 0: nothing stands there
  std::vector<RecordedSide> over{};  ///< decided: between which siblings
  RecordedSide taken{};   ///< decided: author and value of the decision; its dot comes with its place in the log
  std::string note{};     ///< decided: conflict::DecisionNote; not decided: why people have to
  std::string ask{};      ///< not decided: this program is to be asked
  std::string request{};  ///< decided: key of the DecisionRequest that it carries out
  std::optional<std::optional<GroupValue>> base{};  ///< of a conflict: what stood there before, where it is known
};

struct PlannedRoot {
  RootKey root;
  bool existed = false;
  bool purged = false;  ///< by this transaction
  bool kept = false;    ///< was to be purged, but stays because something refers to it (D30)
  std::vector<PlannedGroup> groups;
  std::map<GroupName, GroupValue> residue;                  ///< columns that this database lacks
  std::map<GroupName, std::uint64_t> holds;                 ///< kept: what stands there now
  std::vector<std::pair<GroupName, RootKey>> collisions{};  ///< an identifier of it, and the row that has it already
  std::optional<Sibling> beside_end{};  ///< conflict::life_beside_end; its dot comes with its place in the log
  std::vector<RootKey> referrers;       ///< kept: some of the rows that refer to it; none: its kind is never deleted
  ports::RootTable::Class root_class = ports::RootTable::Class::clinical;
};

/// One inbox item, and what becomes of it.
struct PlannedItem {
  std::string inbox_key;
  Outcome::State outcome = Outcome::State::applied;
};

struct ApplyPlan {
  Actor by;  ///< the node in its life: markers of others, and of other lives, are not ours (D7)
#ifdef OMRSYNC_PLANT
  std::uint64_t early_sequence = 0;
#endif
  std::vector<PlannedItem> items;
  std::vector<PlannedRoot> roots;
};

[[nodiscard]] std::string encode(const ApplyPlan& plan);
Result<ApplyPlan> decode_plan(std::string_view bytes);

}  // namespace omrsync::node
