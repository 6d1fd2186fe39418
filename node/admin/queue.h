#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// Change sets that this node is not done with: those on their way out, and those that came in and wait.
namespace omrsync::admin {

struct QueueItem {
  std::string id;         ///< "<node uuid>/<incarnation>/<seq>", ".part" behind it for a part
  std::string direction;  ///< "out" or "in"
  std::string link;       ///< "parent" or the other node's uuid
  std::string state;      ///< waiting, sent, stored, held, quarantined
  std::vector<std::string> resources;
  std::vector<std::string> waits_for;
  std::uint32_t code = 0;  ///< 0: none
  std::string reason;
  std::uint32_t tries = 0;
  std::int64_t since_ms = 0;
  std::string inbox_key;  ///< of an item that came in
};

struct QueueFilter {
  std::optional<std::string> state;
  std::optional<std::string> direction;
  std::optional<std::string> code;
};

[[nodiscard]] Json to_json(const QueueItem& item);

/// Checks the words of a filter. `usage` when a state or direction does not exist.
Status check(const QueueFilter& filter);

/// Hands out the items that fit, outgoing first, each in the order in which it will be done.
Status list_queue(ports::StoreTransaction& tx, const QueueFilter& filter,
                  const std::function<void(const QueueItem&)>& visit);

/// All items of that id, or of the only id that begins with `id`: one for each link that it is on.
Result<std::vector<QueueItem>> show_queue(ports::StoreTransaction& tx, const std::string& id);

/// What an operator does with sets that came in.
enum class QueueAct {
  retry,    ///< held, quarantined, on hold -> waiting
  hold,     ///< -> on hold: not tried until released
  release,  ///< on hold -> waiting
  discard,  ///< never applied here; the sender is told `refused`
};

struct QueueTarget {
  std::optional<std::string> id;    ///< or its unique beginning
  std::optional<std::string> code;  ///< all with this code
  bool all = false;
};

struct QueueChange {
  QueueAct act = QueueAct::retry;
  QueueTarget target;
  std::string reason;
  std::int64_t now_ms = 0;
  bool dry_run = false;
};

/// Does it in one transaction, with an audit record, and returns the items after it. `not_found` when nothing fits;
/// `usage` for a set on its way out: that is decided where it waits. Repeating it changes nothing more.
Result<std::vector<QueueItem>> change_queue(ports::Store& store, const QueueChange& change);

}  // namespace omrsync::admin
