#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/messages.h"

/// What the volumes of a package hold: the messages of the line, in the order in which they would be said.
namespace omrsync {

/// Said first: in which life of the link the package was written, and how far the other direction has come.
struct StickHead {
  LinkLife life;
  std::uint64_t stored_through = 0;  ///< everything up to here is durable at the sender
  std::string stored_chain;
  std::uint64_t outcomes_seen = 0;  ///< outcomes that the sender (a child) has taken
  std::string recipient;            ///< "age1...": for packages to the sender
};

using StickItem = std::variant<StickHead, Batch, Receipt>;

[[nodiscard]] std::string stick_item(const StickHead& head);
[[nodiscard]] std::string stick_item(const Receipt& receipt);
/// Of a batch as the store keeps it: encode(Batch).
[[nodiscard]] std::string stick_item_of_batch(std::string_view encoded);

/// `set_aside`, wire_malformed: these bytes are no item.
[[nodiscard]] Result<StickItem> decode_stick_item(std::string_view bytes);

}  // namespace omrsync
