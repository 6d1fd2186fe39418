#pragma once

#include <functional>
#include <map>
#include <optional>

#include "adapters/ports/openmrs.h"
#include "node/ledger/row.h"

/// What the ledger says of a root once its database turned out to be another one than it knew (D25). Pure.
namespace omrsync::node {

/// True when the database holds the root as the ledger has it. Groups that the ledger has not seen yet count as equal.
[[nodiscard]] bool stands_as_known(const LedgerRow& row, const ports::RootContent* content);

/// True when the root has seen a dot of this actor above `confirmed`.
[[nodiscard]] bool has_seen_beyond(const LedgerRow& row, const Actor& actor, std::uint64_t confirmed);

/// What the database holds of a root, by group.
using Hashes = std::map<GroupName, std::uint64_t>;

/// The root as it stands, under one new dot that has seen nothing else: an older context would cover what was lost
/// (R33). Siblings whose value only the ledger holds stay, under new dots of their own. Nothing: the row is absent
/// (`stands` is empty) and nothing of the root is kept here; it comes back from others. `fresh` gives dots that were
/// never used.
[[nodiscard]] std::optional<LedgerRow> first_contact(const LedgerRow& known, const Hashes& stands, const Stamp& stamp,
                                                     const std::function<Dot()>& fresh);

}  // namespace omrsync::node
