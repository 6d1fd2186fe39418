#include "node/carry/take_stick.h"

#include "adapters/memory/store.h"
#include "protocol/digest.h"
#include "protocol/envelope.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

/// A parent's end of the link to one child, and what that child would write.
struct Ends {
  memory::MemoryStore disk{tables::kAll};
  Actor parent{{}, {4, 40}};
  Actor child{{}, {2, 20}};
  std::string link;
  std::string chain;  ///< of the child's batches so far
  std::uint64_t next = 1;

  Ends() {
    parent.node.bytes[0] = 1;
    child.node.bytes[0] = 2;
    link = to_string(child.node);
  }

  [[nodiscard]] StickHead head() const { return {{child, parent}, 0, {}, 0, "age1kitale"}; }

  /// `sets` change sets without content.
  Batch batch(std::uint64_t sets) {
    Envelope run;
    run.kind = Envelope::Kind::empty_run;
    run.number = next;
    run.through = next + sets - 1;
    FrameWriter frame;
    frame.add(encode_envelope(run));
    Batch made{{child, parent}, run.number, run.through, chain, {}, frame.finish()};
    made.digest = sha256(made.frame);
    chain = next_chain(chain, made.digest, made.last);
    next += sets;
    return made;
  }

  /// Head and batches, in one store transaction; the first failure.
  Status take(const StickHead& head, const std::vector<Batch>& batches) {
    OMRSYNC_TRY(tx, disk.write());
    OMRSYNC_TRY(record, link_record(*tx, link));
    OMRSYNC_CHECK(take_head(*tx, 1000, parent, link, record, head));
    for (const Batch& each : batches) OMRSYNC_CHECK(take_stick_batch(*tx, 1000, link, record, each));
    OMRSYNC_CHECK(put_link(*tx, link, record));
    return tx->commit();
  }

  LinkRecord record() { return link_record(*disk.read().value(), link).value(); }
};

Code refusal(const Status& status) {
  REQUIRE_FALSE(status);
  return status.error().code;
}

}  // namespace

TEST_CASE("a first package makes the link, and says where answers go") {
  Ends ends;
  REQUIRE(ends.take(ends.head(), {ends.batch(3), ends.batch(2)}));
  CHECK(ends.record().stored == 5);
  CHECK(ends.record().life == LinkLife{ends.child, ends.parent});
  CHECK(stick_record(*ends.disk.read().value(), ends.link)->recipient == "age1kitale");
}

TEST_CASE("a package again, and an older one, change nothing") {
  Ends ends;
  const Batch one = ends.batch(3), two = ends.batch(2);
  REQUIRE(ends.take(ends.head(), {one, two}));
  const std::string chain = ends.record().stored_chain;
  REQUIRE(ends.take(ends.head(), {one, two}));
  REQUIRE(ends.take(ends.head(), {one}));
  CHECK(ends.record().stored == 5);
  CHECK(ends.record().stored_chain == chain);
}

TEST_CASE("a gap is named, and filled later") {
  Ends ends;
  const Batch one = ends.batch(3), two = ends.batch(2);
  const Status gap = ends.take(ends.head(), {two});
  CHECK(refusal(gap) == Code::usb_gap);
  CHECK(gap.error().message.find("1 to 3") != std::string::npos);
  CHECK(ends.record().stored == 0);
  REQUIRE(ends.take(ends.head(), {one}));
  REQUIRE(ends.take(ends.head(), {two}));
  CHECK(ends.record().stored == 5);
}

TEST_CASE("a package of another history is refused") {
  Ends ends;
  REQUIRE(ends.take(ends.head(), {ends.batch(3)}));
  ends.chain = sha256("another disk");
  CHECK(refusal(ends.take(ends.head(), {ends.batch(2)})) == Code::usb_chain);
  Ends copy;
  copy.child.incarnation.chance = 21;
  CHECK(refusal(ends.take(copy.head(), {})) == Code::usb_chain);
  CHECK(ends.record().stored == 3);
}

TEST_CASE("a later life of the sender begins the link anew, an earlier one is refused") {
  Ends ends;
  REQUIRE(ends.take(ends.head(), {ends.batch(3)}));
  const StickHead late = ends.head();
  ends.child.incarnation = {3, 30};
  ends.chain.clear();
  ends.next = 1;
  REQUIRE(ends.take(ends.head(), {ends.batch(1)}));
  CHECK(ends.record().stored == 1);
  CHECK(ends.record().lives == 2);
  CHECK(refusal(ends.take(late, {})) == Code::usb_life_over);
}

TEST_CASE("a package for an earlier life of the receiver is refused") {
  Ends ends;
  const StickHead late = ends.head();
  ends.parent.incarnation = {5, 50};
  CHECK(refusal(ends.take(late, {})) == Code::usb_life_over);
}

TEST_CASE("without a line, two nodes of which one began a new life meet by a stick each way") {
  Ends ends;
  const StickHead late = ends.head();
  ends.parent.incarnation = {5, 50};
  CHECK(refusal(ends.take(late, {})) == Code::usb_life_over);
  auto tx = ends.disk.write().value();
  CHECK(refusal(ready_link(*tx, 1000, ends.parent, ends.link)) == Code::usb_peer_unknown);
  REQUIRE(note_sender(*tx, ends.link, late));
  REQUIRE(ready_link(*tx, 1000, ends.parent, ends.link));
  Identity hq;
  hq.node = ends.parent.node;
  hq.incarnation = ends.parent.incarnation;
  const StickHead down = stick_head(hq, link_record(*tx, ends.link).value());

  Ends clinic;
  auto there = clinic.disk.write().value();
  LinkRecord record;
  record.life = late.life;
  REQUIRE(take_head(*there, 1000, clinic.child, kParentLink, record, down));
  CHECK(record.life == LinkLife{clinic.child, ends.parent});
  CHECK(record.offer_all);
}

TEST_CASE("a sender that has more of us than we know of is refused") {
  Ends ends;
  REQUIRE(ends.take(ends.head(), {}));
  StickHead head = ends.head();
  head.stored_through = 1;
  CHECK(refusal(ends.take(head, {})) == Code::usb_chain);
}

TEST_CASE("before the first package a node knows its parent from its card, or asks for it") {
  Ends ends;
  auto tx = ends.disk.write().value();
  CHECK(refusal(ready_link(*tx, 1000, ends.child, kParentLink)) == Code::usb_peer_unknown);
  StickRecord card;
  card.peer = ends.parent;
  REQUIRE(put_stick(*tx, kParentLink, card));
  REQUIRE(ready_link(*tx, 1000, ends.child, kParentLink));
  CHECK(link_record(*tx, kParentLink)->life == LinkLife{ends.child, ends.parent});
  CHECK_FALSE(link_record(*tx, kParentLink)->offer_all);
  // A new life of ours: everything is offered anew.
  ends.child.incarnation = {3, 30};
  REQUIRE(ready_link(*tx, 1000, ends.child, kParentLink));
  CHECK(link_record(*tx, kParentLink)->life == LinkLife{ends.child, ends.parent});
  CHECK(link_record(*tx, kParentLink)->offer_all);
}
