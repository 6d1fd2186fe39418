#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "conflict/policy.h"
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
  std::string digest;  ///< keyed; equal digests within one conflict: equal values
  Sibling sibling;     ///< as the ledger, or the record of a decided one, has it
};

struct Conflict {
  node::ConflictRecord record;
  std::vector<ConflictSide> sides;
  bool waits = false;  ///< a decision was given and is not written yet
};

/// Which conflicts are meant; what is not named fits all.
struct ConflictFilter {
  std::optional<std::string> state;   ///< open or decided
  std::optional<std::string> type;    ///< FHIR type or table
  std::optional<std::string> site;    ///< one of the sides was written there
  std::optional<std::string> policy;  ///< name of the policy, or its rule
  std::optional<std::int64_t> opened_before_ms;
};

/// Checks the words of a filter. `usage` for a state that does not exist.
Status check(const ConflictFilter& filter);

/// Hands out the conflicts that fit, the oldest first.
Status list_conflicts(ports::StoreTransaction& tx, const ConflictFilter& filter,
                      const std::function<void(const Conflict&)>& visit);

/// The conflict of that id, of another name it has, or of the only id that begins with `id`. `not_found` else.
Result<Conflict> show_conflict(ports::StoreTransaction& tx, const std::string& id);

/// How many of a kind.
struct ConflictCounts {
  std::uint64_t open = 0;
  std::uint64_t decided = 0;  ///< by rule, by people, or by somebody who wrote the field anew
  std::uint64_t by_rule = 0;
  std::uint64_t by_user = 0;
  std::uint64_t undone = 0;
  std::int64_t oldest_open_ms = 0;  ///< 0: none is open
};
Result<std::map<std::string, ConflictCounts>> conflict_counts(ports::StoreTransaction& tx);
[[nodiscard]] Json to_json(const std::string& kind, const ConflictCounts& counts);

/// Writes down that an operator saw the values of a conflict.
Status note_revealed(ports::Store& store, const Conflict& conflict, std::int64_t now_ms);

/// `revealed`: with values instead of digests.
[[nodiscard]] Json to_json(const Conflict& conflict, bool revealed);

/// The sides of a conflict, open or decided, as the conflict layer sees them.
Result<conflict::View> view_of(ports::StoreTransaction& tx, const Conflict& conflict);

/// What a policy says of the sides of a conflict, open or decided. A standing value that was not revealed counts as
/// different from all others.
Result<conflict::Decision> try_policy(ports::StoreTransaction& tx, const Conflict& conflict,
                                      const conflict::Policy& policy);

}  // namespace omrsync::admin
