#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/ports/openmrs.h"
#include "conflict/policy.h"
#include "node/store/facts.h"
#include "node/store/records.h"

/// A conflict as the conflict layer sees it: who wrote each side, and where that is in the tree, seen from this node.
namespace omrsync::node {

/// FHIR type of a root table where it travels as a type of its own ("Patient"), else the table's name.
[[nodiscard]] std::string_view fhir_type(std::string_view table) noexcept;

/// Notes by which link a writer is first heard of: that is where it stands, below a child or above.
Status note_origins(ports::StoreTransaction& tx, const Uuid& self, std::string_view link, const Context& context);

/// Links by which siblings came just now; those of the node itself and those that were here already are not listed.
using CameBy = std::map<Dot, std::string>;

/// What is to be decided about.
struct Dispute {
  const RootKey& root;
  ports::RootTable::Class root_class;
  const GroupName& group;
  const Group& contents;             ///< with values, as far as they are known
  const RootState* state = nullptr;  ///< the root's, to find out who registered it
  std::optional<std::optional<GroupValue>> base;
};

Result<conflict::View> view_of(ports::StoreTransaction& tx, const Identity& self, bool has_parent,
                               const Dispute& dispute, const CameBy& came);

/// This node is the lowest that both sides meet at (6.4): none of them came from above, where they meet too.
[[nodiscard]] bool has_authority(const conflict::View& view, bool has_parent);

}  // namespace omrsync::node
