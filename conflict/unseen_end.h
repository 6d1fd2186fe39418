#pragma once

#include <optional>

#include "protocol/state.h"

namespace omrsync::conflict {

/// Somebody voided, retired or purged the root while another, who did not know of it, changed something else in it. The
/// two merge, so nobody would look again at what was written to a root that is going out of sight: what `life` is to
/// the other stands beside the end, a conflict like any other. The sibling has no dot yet, and author and time of the
/// unseen change. None: nobody missed anything, or sides of `life` differ already. `here` and `came` hold their values;
/// `joined` is their join.
[[nodiscard]] std::optional<Sibling> life_beside_end(const RootState& here, const RootState& came,
                                                     const RootState& joined);

/// Adds it under `dot`. What is shown stays.
void stand_beside_end(RootState& state, Sibling life, const Dot& dot);

}  // namespace omrsync::conflict
