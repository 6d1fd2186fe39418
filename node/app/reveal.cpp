#include "node/app/reveal.h"

#include <algorithm>

#include "adapters/system/clock.h"
#include "node/app/open.h"
#include "node/app/openmrs_parts.h"
#include "node/store/facts.h"

namespace omrsync::app {

Status reveal(const Config& config, admin::Conflict& conflict) {
  const auto standing = std::find_if(conflict.sides.begin(), conflict.sides.end(),
                                     [](const auto& side) { return side.standing && !side.deleted; });
  if (standing == conflict.sides.end()) return Done{};
  OMRSYNC_TRY(store, open_store(config));
  std::optional<node::Identity> identity;
  {
    OMRSYNC_TRY(tx, store->read());
    OMRSYNC_TRY(read, node::identity(*tx));
    identity = std::move(read);
  }
  if (!identity) return Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
  system::Clock clock;
  OMRSYNC_TRY(openmrs, open_openmrs(config, *identity, *store, clock));
  OMRSYNC_TRY(snapshot, openmrs.database->snapshot());
  const RootKey root = conflict.record.root;
  OMRSYNC_TRY(contents, snapshot->read({&root, 1}));
  if (contents.empty() || !contents.front()) return Done{};
  const auto group = contents.front()->groups.find(conflict.record.group);
  if (group != contents.front()->groups.end()) standing->value = group->second.value;
  return Done{};
}

}  // namespace omrsync::app
