#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/admin/conflicts.h"

/// Decisions by people. Each is put down in the store and written by the node as any change: at once while it runs,
/// else with the next `serve` or `sync`.
namespace omrsync::admin {

/// What the field is to be: one site's value, one site's value with some fields of others, or given ones.
struct Resolution {
  std::optional<std::string> take;                       ///< a site's name or uuid, or a dot
  std::vector<std::pair<std::string, std::string>> set;  ///< field, site
  std::vector<std::pair<std::string, Json>> values;      ///< field, text or null
  std::string reason;
  std::string user;  ///< of the operating system, or of the console
  std::int64_t now_ms = 0;
};

/// Puts a decision down. The conflict before it is written. `usage`: no such side, nothing to do; `conflict_decided`; a
/// second decision before the first is written takes its place.
Result<Conflict> resolve_conflict(ports::Store& store, const std::string& id, const Resolution& resolution);

/// One open conflict and what a rule says of it.
struct RuledConflict {
  Conflict conflict;
  conflict::Decision decision;
};

/// Decides all open conflicts that fit by one word of the policy ("parent-wins"); those that it cannot decide stay
/// open. `complete` fills in values that only the database has. `dry_run`: only says what would be decided.
struct BulkResolution {
  ConflictFilter filter;
  conflict::Word word = conflict::Word::manual;
  std::string reason;
  std::string user;
  std::int64_t now_ms = 0;
  bool dry_run = false;
};
Result<std::vector<RuledConflict>> resolve_by_rule(ports::Store& store, const BulkResolution& bulk,
                                                   const std::function<Status(Conflict&)>& complete);

/// Takes a decision back: the value that was shown before it, or where the decision had taken that, the other side's,
/// becomes the field's value again by an ordinary write. `take`: that site's instead. `usage` when several could be
/// meant; `conflict_moved` when the field was written since; `conflict_decided` when it was undone already.
Result<Conflict> undo_conflict(ports::Store& store, const std::string& id, const Resolution& why);

}  // namespace omrsync::admin
