#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "conflict/decision.h"
#include "node/store/facts.h"
#include "node/world.h"

/// The list of conflicts: opened, given a second name, decided, undone. One record a conflict, the same id on every
/// node.
namespace omrsync::node {

/// What somebody who opens a conflict knows of it.
struct Opening {
  std::string_view kind = "field";  ///< or first-contact
  ports::RootTable::Class root_class = ports::RootTable::Class::clinical;
  std::string policy = "safe/1";
  std::string rule{};
  std::optional<std::optional<GroupValue>> base{};
};

/// The id of the open conflict on a group, if there is one.
Result<std::optional<std::string>> open_conflict_of(ports::StoreTransaction& tx, const RootKey& root,
                                                    const GroupName& group);

/// The groups of a root that have an open conflict.
Result<std::set<GroupName>> groups_in_conflict(ports::StoreTransaction& tx, const RootKey& root);

/// Opens the conflict on a group, or keeps it open. Two names for one conflict: the lower stays (6.3). Returns its id.
Result<std::string> open_conflict(ports::StoreTransaction& tx, const World& world, const RootKey& root,
                                  const GroupName& group, const Group& contents, const Opening& opening);

/// Somebody wrote the group having seen all of `sides`: its conflict, if one is open, is over.
Status close_conflict(ports::StoreTransaction& tx, const World& world, const RootKey& root, const GroupName& group,
                      std::vector<RecordedSide> sides, std::string_view by);

/// A decision came into the ledger, this node's or another's. Closes its conflict, or lists it as decided where it was
/// never open here; a note that undoes marks the earlier decision undone. On repetition nothing changes.
Status note_decision(ports::StoreTransaction& tx, const World& world, const RootKey& root, const GroupName& group,
                     const conflict::DecisionNote& note, std::vector<RecordedSide> sides, RecordedSide taken,
                     const Opening& opening);

/// The siblings of a group as sides for the record. `standing`: the one whose value only the database has; `stood`:
/// that value, where the log shows it.
[[nodiscard]] std::vector<RecordedSide> sides_of(const Group& group, const std::optional<Dot>& standing,
                                                 const std::optional<GroupValue>& stood);

}  // namespace omrsync::node
