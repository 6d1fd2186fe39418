#include "protocol/stick.h"

#include "protocol/wire_convert.h"

namespace omrsync {

std::string stick_item(const StickHead& head) {
  wire::StickHead out;
  to_wire(head.life, *out.mutable_life());
  out.set_stored_through(head.stored_through);
  out.set_stored_chain(head.stored_chain);
  out.set_outcomes_seen(head.outcomes_seen);
  out.set_recipient(head.recipient);
  wire::StickItem item;
  item.set_head(out.SerializeAsString());
  return item.SerializeAsString();
}

std::string stick_item(const Receipt& receipt) {
  wire::StickItem item;
  item.set_receipt(encode(receipt));
  return item.SerializeAsString();
}

std::string stick_item_of_batch(std::string_view encoded) {
  wire::StickItem item;
  item.set_batch(std::string(encoded));
  return item.SerializeAsString();
}

Result<StickItem> decode_stick_item(std::string_view bytes) {
  const Error malformed{Remedy::set_aside, Code::wire_malformed, "an item of a package cannot be read"};
  wire::StickItem item;
  if (!item.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return malformed;
  switch (item.item_case()) {
    case wire::StickItem::kBatch: {
      OMRSYNC_TRY(batch, decode<Batch>(item.batch()));
      return StickItem(std::move(batch));
    }
    case wire::StickItem::kReceipt: {
      OMRSYNC_TRY(receipt, decode<Receipt>(item.receipt()));
      return StickItem(std::move(receipt));
    }
    case wire::StickItem::kHead: {
      wire::StickHead in;
      if (!in.ParseFromString(item.head())) return malformed;
      return StickItem(
          StickHead{from_wire(in.life()), in.stored_through(), in.stored_chain(), in.outcomes_seen(), in.recipient()});
    }
    default:
      return malformed;
  }
}

}  // namespace omrsync
