#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "node/admin/words.h"
#include "node/store/records.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// Two sites wrote the same group without knowledge of each other. Conflicts are listed with digests; values are shown
/// only where somebody asks for them, and that is audited.
namespace omrsync::admin {

struct ConflictSide {
  std::string site;  ///< the node's name, or its uuid where the name is not known here
  Uuid node;
  std::string dot;
  std::string author;
  std::int64_t at_ms = 0;
  std::optional<GroupValue> value;  ///< none: deleted, or (standing, not revealed) in the database only
  bool deleted = false;
  bool standing = false;  ///< this value stands in the OpenMRS database
  bool shown = false;
  std::string digest;     ///< keyed; equal digests within one conflict: equal values
};

struct Conflict {
  node::ConflictRecord record;
  std::vector<ConflictSide> sides;
};

/// Checks the word of a filter: "open" or "decided". Failure: `usage`.
Status check_conflict_state(const std::optional<std::string>& state);

/// Hands out the conflicts of that state, all when none is named.
Status list_conflicts(ports::StoreTransaction& tx, const std::optional<std::string>& state,
                      const std::function<void(const Conflict&)>& visit);

/// The conflict of that id, of another name it has, or of the only id that begins with `id`. `not_found` else.
Result<Conflict> show_conflict(ports::StoreTransaction& tx, const std::string& id);

/// Writes down that an operator saw the values of a conflict.
Status note_revealed(ports::Store& store, const Conflict& conflict, std::int64_t now_ms);

/// `revealed`: with values instead of digests.
[[nodiscard]] Json to_json(const Conflict& conflict, bool revealed);

}  // namespace omrsync::admin
