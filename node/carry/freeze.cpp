#include "node/carry/freeze.h"

#include "node/ship/batch_builder.h"
#include "node/tuning.h"

namespace omrsync::node {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPause{20};

class Freezer {
 public:
  Freezer(const World& world, const FreezeRequest& request)
      : world_(world), request_(request), builder_(world, request.link) {
    report_.until = request.until;
  }

  Result<FreezeReport> work(std::stop_token stop) {
    OMRSYNC_TRY(target, world_.openmrs.log_end());
    const milliseconds deadline = world_.clock.steady() + request_.patience;
    for (;;) {
      const std::uint64_t seen = world_.shared.changed.rings();
      OMRSYNC_TRY(moved, report_.until ? freeze_one() : settle(target));
      if (report_.done || stop.stop_requested() || world_.shared.over.load() || world_.clock.steady() >= deadline)
        return report_;
      if (!moved) world_.shared.changed.wait(seen, kPause);
    }
  }

 private:
  [[nodiscard]] bool upward() const { return request_.link == kParentLink; }

  /// True when everything up to `target` is in the outbox, or the log for the children.
  Result<bool> settle(const ports::LogPosition& target) {
    if (!world_.shared.captured(target) || world_.shared.anything_flies()) return false;
    OMRSYNC_TRY(tx, world_.store.read());
    bool waiting = false;
    if (request_.wait_for_inbox)
      OMRSYNC_CHECK(tx->scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
        const auto item = decode_record<InboxItem>(entry.value);
        waiting = item && item->state == InboxItem::State::waiting;
        return !waiting;
      }));
    if (waiting) return false;
    OMRSYNC_TRY(end, tx->get(tables::kMeta, upward() ? "offer_end" : "log_end"));
    report_.until = end ? tables::number_from(*end) : 0;
    return true;
  }

  /// False when there is nothing to do at this moment.
  Result<bool> freeze_one() {
    {
      OMRSYNC_TRY(tx, world_.store.read());
      OMRSYNC_TRY(link, link_record(*tx, request_.link));
      report_.through = link.next_number - 1;
      bool left = !link.load.done;
      const std::uint64_t from = upward() ? 0 : link.log_cursor + 1;
      OMRSYNC_CHECK(tx->scan(upward() ? tables::kOutbox : tables::kLog, tables::number_key(from),
                             tables::number_key(*report_.until + 1), 1, [&](const ports::Entry&) {
                               left = true;
                               return false;
                             }));
      report_.done = !left;
    }
    if (report_.done) return true;
    OMRSYNC_TRY(batch, builder_.build(tuning::kStickBatchBytes));
    return batch.has_value();
  }

  const World& world_;
  const FreezeRequest& request_;
  BatchBuilder builder_;
  FreezeReport report_;
};

}  // namespace

Result<FreezeReport> freeze(const World& world, const FreezeRequest& request, std::stop_token stop) {
  return Freezer(world, request).work(stop);
}

}  // namespace omrsync::node
