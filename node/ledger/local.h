#pragma once

#include <vector>

#include "adapters/ports/openmrs.h"
#include "node/ledger/row.h"
#include "node/ledger/state.h"

namespace omrsync::node {

/// How long a local write may rest on what stood before an apply of ours (D7c).
inline constexpr std::int64_t kUnseenWindowMs = 15LL * 60 * 1000;
inline constexpr std::int64_t kStaleForMs = 30LL * 24 * 60 * 60 * 1000;

/// One write by somebody at this node's database, as the ledger takes it at its place in the log.
struct LocalWrite {
  Dot dot;
  std::string author;
  Stamp stamp;
  std::int64_t at_ms = 0;  ///< by the wall clock, as all that the ledger compares with each other
  ports::LogPosition position;
  std::int64_t unseen_ms = kUnseenWindowMs;  ///< [apply] unseen_window
  bool beside = false;    ///< a transaction of ours that the store knows nothing of (R37): it supersedes nothing
  bool has_seen = false;  ///< a consequence of a write of ours in the same transaction: it has seen what it replaces
};

/// What a local write did beside superseding what stood there.
struct LocalEffect {
  std::vector<GroupName> conflicts;  ///< groups that now hold siblings of different values
  /// A group that no longer does, and what it held: `stood` is the value of `standing`, where the log shows it.
  struct Settled {
    GroupName group;
    Group were;
    std::optional<Dot> standing;
    std::optional<GroupValue> stood;
  };
  std::vector<Settled> settled;
  std::vector<GroupName> put_back;        ///< stale write-backs that say nothing: ours is written again (repair, D7c)
  std::vector<GroupName> perhaps_unseen;  ///< superseded what an apply of ours had written, perhaps without seeing it
};

/// Notes that a value of a group stands no longer (D7c). `hash` 0: nothing stood there.
void note_replaced(LedgerRow& row, const GroupName& group, std::uint64_t hash, std::int64_t at_ms, bool ours);

/// Takes what the log shows of one root into its row (`row` null: a root that was not met yet). A local write
/// supersedes only what stood in the database at its place in the log, and siblings of the same value; and where an
/// apply of ours wrote shortly before, it may rest on a stale copy (D7c): beside another change of the same row it says
/// nothing, alone it stands beside ours. Pure.
LocalEffect take_local(const RootKey& root, std::optional<LedgerRow>& row, const ports::RootChange& change,
                       const LocalWrite& write, const LoadDots& dots);

/// What `change` found in the rows against what the ledger says stood there, as a change that no log showed: none when
/// they agree.
std::optional<ports::RootChange> missed_change(const LedgerRow& row, const ports::RootChange& change);

/// What the database holds against what the ledger says it should, as a change that no log showed (`unlogged`): none
/// when they agree. A partial row is completed from `content`. Content absent although the ledger has groups: purged.
std::optional<ports::RootChange> unlogged_change(const RootKey& root, std::optional<LedgerRow>& row,
                                                 const ports::RootContent* content, const LoadDots& dots);

/// The row of a root that nobody changed since it is first seen, as `content` has it (D26).
[[nodiscard]] LedgerRow met(const RootKey& root, const ports::RootContent& content, const LoadDots& dots);

}  // namespace omrsync::node
