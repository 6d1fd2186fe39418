#include "node/app/reveal.h"

#include <algorithm>

#include "node/app/open.h"
#include "node/app/openmrs_parts.h"
#include "node/store/facts.h"

namespace omrsync::app {
namespace {

Result<node::Identity> identity_of(const Config& config) {
  OMRSYNC_TRY(store, open_store(config));
  OMRSYNC_TRY(tx, store->read());
  OMRSYNC_TRY(identity, node::identity(*tx));
  return identity ? Result<node::Identity>(*identity)
                  : Error{Remedy::stop_node, Code::config_missing, "This node was not set up by 'omrsync init'."};
}

}  // namespace

Status reveal(const Config& config, admin::Conflict& conflict) {
  const auto standing = std::find_if(conflict.sides.begin(), conflict.sides.end(),
                                     [](const auto& side) { return side.standing && !side.deleted; });
  if (standing == conflict.sides.end()) return Done{};
  OMRSYNC_TRY(identity, identity_of(config));
  OMRSYNC_TRY(openmrs, open_openmrs(config, identity));
  OMRSYNC_TRY(snapshot, openmrs.database->snapshot());
  const RootKey root = conflict.record.root;
  OMRSYNC_TRY(contents, snapshot->read({&root, 1}));
  if (contents.empty() || !contents.front()) return Done{};
  const auto group = contents.front()->groups.find(conflict.record.group);
  if (group != contents.front()->groups.end()) standing->value = group->second.value;
  return Done{};
}

}  // namespace omrsync::app
