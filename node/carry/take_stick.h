#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "node/store/facts.h"
#include "protocol/stick.h"

/// Both ends of a stick over the store alone: the daemon may run or not, OpenMRS may be away.
namespace omrsync::node {

/// Before the node writes for the other end of `link`: the link is in a life of both present incarnations, also where
/// the other end was never met (then it is known from the card). Refuses: usb_peer_unknown. Changes nothing when it is.
Status ready_link(ports::StoreTransaction& tx, std::int64_t now_ms, const Actor& self, std::string_view link);

/// What goes first into a package for the other end of `link`.
[[nodiscard]] StickHead stick_head(const Identity& identity, const LinkRecord& link);

/// What the parent says became of the sets of the child at `link`, receipt after receipt.
Status each_receipt(ports::StoreTransaction& tx, std::string_view link, const LinkRecord& record,
                    const std::function<Status(const Receipt&)>& visit);

/// Where a package belongs: whether its life is the link's, or begins a new one, and what the sender has of ours: that
/// is trimmed. `record` is changed; the caller writes it. Refusals change nothing: usb_life_over; usb_chain: one of the
/// two was restored or copied.
Status take_head(ports::StoreTransaction& tx, std::int64_t now_ms, const Actor& self, std::string_view link,
                 LinkRecord& record, const StickHead& head);

/// The package is of an earlier life (usb_life_over): who wrote it, and which key it has, is kept, so that an export
/// from here tells it of the present one.
Status note_sender(ports::StoreTransaction& tx, std::string_view link, const StickHead& head);

/// As take_batch, but a gap is usb_gap and names what is missing, and a chain that does not fit is usb_chain. Nothing
/// changes by either, nor by a batch that came before, by stick or by line.
Status take_stick_batch(ports::StoreTransaction& tx, std::int64_t now_ms, std::string_view link, LinkRecord& record,
                        const Batch& batch);

/// "change sets 8 to 12".
[[nodiscard]] std::string numbers_text(std::uint64_t first, std::uint64_t last);

}  // namespace omrsync::node
