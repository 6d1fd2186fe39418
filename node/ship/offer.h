#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/store/facts.h"
#include "node/world.h"

namespace omrsync::node {

/// Where a changed state came from, when not from this node's own database.
struct Via {
  std::string link;  ///< "parent" or the child's uuid
  LinkLife life;
  bool whole = false;  ///< the joined state is exactly what came
  bool load = false;   ///< it came in a container of a first load
};

/// Notes that a root's joined state changed: moves it to the end of the log for the children (D29).
Status log_change(ports::StoreTransaction& tx, const World& world, const RootKey& root, const Dot& set,
                  const std::optional<Via>& via);

/// Offers a set to the parent: its bodies are read when a batch is built (D23). Nothing where there is no parent.
Status offer_set(ports::StoreTransaction& tx, const World& world, const OfferedSet& set);

/// The same at a node that has a parent.
Status put_offer(ports::StoreTransaction& tx, const OfferedSet& set);

/// Remembers, or forgets, that the database shows something else than it should for a root: apply repairs it (D7b).
Status note_repair(ports::StoreTransaction& tx, const RootKey& root, const LedgerRow& row);

/// A root is there now: sets that were held for it are looked at again.
Status release_waiting(ports::StoreTransaction& tx, const RootKey& root);

/// A later state of the root was taken: sets that bring an older one and are held are looked at again. What they bring
/// may be superseded, and then they need their targets no longer.
Status release_overtaken(ports::StoreTransaction& tx, const RootKey& root);

/// A row that the root owns is there now: `group` names it ("concept_name/<key>"); other groups name none.
Status release_waiting_for_owned(ports::StoreTransaction& tx, const GroupName& group);

}  // namespace omrsync::node
