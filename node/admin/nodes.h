#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "node/store/records.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// The nodes below this one.
namespace omrsync::admin {

struct ChildView {
  node::ChildRecord child;
  std::uint64_t waiting_down = 0;  ///< roots that it has not confirmed yet
  std::uint64_t waiting_up = 0;    ///< sets of it that wait here
  std::uint64_t failed = 0;        ///< sets of it, or for it, that are held or quarantined
  std::uint64_t conflicts = 0;     ///< open ones with a side of this child
  std::int64_t clock_offset_ms = 0;
  std::uint32_t error_code = 0;
  std::string error_message;
};

[[nodiscard]] Json to_json(const ChildView& view);

/// All children by name.
Result<std::vector<ChildView>> list_children(ports::StoreTransaction& tx);

/// The child of that name, uuid, or unique beginning of one of them. `not_found` else.
Result<ChildView> show_child(ports::StoreTransaction& tx, const std::string& name);

/// The child of exactly that name that was not revoked; nothing: there is none.
Result<std::optional<node::ChildRecord>> find_child(ports::StoreTransaction& tx, const std::string& name);

/// A child that is about to be added. `usage` when the name is taken or not usable, or the catchment is not known.
Status check_new_child(ports::StoreTransaction& tx, const std::string& name, const std::string& catchment);

/// Adds it, with an audit record. `fingerprint` is that of the certificate in its card.
Status add_child(ports::Store& store, const node::ChildRecord& child);

/// The same as a part of a transaction.
Status put_child(ports::StoreTransaction& tx, const node::ChildRecord& child);

/// What is to be changed of a child's grants; what is not named stays.
struct GrantChange {
  struct Direction {
    std::optional<std::string> classes;             ///< "all", "none", "clinical", "metadata", or both with a comma
    std::optional<std::uint64_t> bytes_per_second;  ///< 0: no limit
  };
  Direction up;
  Direction down;
  std::optional<std::string> catchment;
};

/// Holds from the child's next question on, and for what came from it and is not applied yet. What is narrowed is not
/// taken back from anywhere; a class that the child is told anew is told from the beginning. `usage`, `not_found`.
Result<ChildView> allow_child(ports::Store& store, const std::string& name, const GrantChange& change,
                              std::int64_t now_ms, bool dry_run);

/// pause, resume, revoke: takes effect at the child's next request. Revoked for good: codes that it was given
/// are void too.
Result<ChildView> set_child_state(ports::Store& store, const std::string& name, node::ChildRecord::State state,
                                  std::int64_t now_ms, bool dry_run);

}  // namespace omrsync::admin
