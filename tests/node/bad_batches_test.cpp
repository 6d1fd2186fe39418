// What a child may send by accident or with intent: each has its code, takes nothing, and stands in nobody's way.
#include <algorithm>
#include <random>

#include "protocol/cells.h"
#include "protocol/digest.h"
#include "protocol/envelope.h"
#include "tests/node/one_parent.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

/// A child that says what the test wants.
struct Sender {
  OneParent& parent;
  LinkLife life = parent.introduce();
  std::uint64_t sent = 0;  ///< link numbers taken by the parent
  std::string chain{};
  std::uint64_t sequence = 0;

  std::string change(std::uint64_t number, const RootKey& root, std::string resource) {
    Envelope envelope;
    envelope.number = number;
    envelope.set = {parent.child, ++sequence};
    envelope.stamp.at_ms = 1'700'000'000'000;
    Entry entry;
    entry.root = root;
    entry.resource = std::move(resource);
    entry.base = WireSibling{envelope.set, "", envelope.stamp, WireSibling::Place::body, ""};
    entry.context.add(envelope.set);
    envelope.entries.push_back(std::move(entry));
    return encode_envelope(envelope);
  }

  std::string body(const RootKey& root, std::vector<NamedCell> cells, const GroupName& group = "row") const {
    std::string resource;
    REQUIRE(parent.codec.encode(root, {{kLifeGroup, ""}, {group, encode_cells(std::move(cells))}}, resource));
    return resource;
  }

  std::string person(std::uint64_t number, const std::string& key) {
    return change(number, {"person", key}, body({"person", key}, {{"gender", "F"}}, "gender"));
  }

  Batch batch(const std::vector<std::string>& envelopes) {
    FrameWriter writer;
    for (const std::string& each : envelopes) writer.add(each);
    Batch made{life, sent + 1, sent + envelopes.size(), chain, {}, writer.finish()};
    made.digest = sha256(made.frame);
    return made;
  }

  ports::Response push(const Batch& batch) { return parent.ask(kPushPath, encode(Push{batch, 0})); }

  /// Of a batch that must be taken.
  Receipt deliver(const Batch& batch) {
    const ports::Response answer = push(batch);
    REQUIRE(answer.status == 200);
    sent = batch.last;
    chain = next_chain(batch.previous_chain, batch.digest, batch.last);
    return decode<Receipt>(answer.body).value();
  }

  /// What the parent says became of the sets so far.
  std::vector<Outcome> outcomes() {
    const ports::Response answer = parent.ask(kPullPath, encode(Pull{life, 0, 65536, 0, 0, {}}));
    REQUIRE(answer.status == 200);
    return decode<PullAnswer>(answer.body)->receipt.outcomes;
  }
};

Code refusal(const ports::Response& answer, int status) {
  CHECK(answer.status == status);
  CHECK(answer.content_type == kWireContentType);
  const auto refused = decode<Refusal>(answer.body);
  REQUIRE(refused);
  CHECK_FALSE(refused->message.empty());
  return refused->code;
}

}  // namespace

TEST_CASE("a batch that comes again is acknowledged again and not taken twice") {
  OneParent parent;
  Sender sender{parent};
  const Batch batch = sender.batch({sender.person(1, "p1"), sender.person(2, "p2")});
  CHECK(sender.deliver(batch).stored_through == 2);
  CHECK(sender.deliver(batch).stored_through == 2);
  parent.work();
  CHECK(sender.deliver(batch).stored_through == 2);
  parent.work();
  CHECK(parent.audited("stored") == 1);
  CHECK(parent.audited("set") == 2);
  CHECK(parent.inbox().empty());
  CHECK(parent.openmrs.rows()->size() == 2);
}

TEST_CASE("batches out of order are refused by their number, and taken when their turn comes") {
  OneParent parent;
  Sender sender{parent};
  const Batch first = sender.batch({sender.person(1, "p1")});
  Batch second = sender.batch({sender.person(2, "p2")});
  second.first = second.last = 2;
  second.previous_chain = next_chain(first.previous_chain, first.digest, first.last);
  CHECK(refusal(sender.push(second), 409) == Code::wire_gap);
  CHECK(parent.inbox().empty());
  sender.deliver(first);
  Batch overlapping = first;
  overlapping.last = 2;
  CHECK(refusal(sender.push(overlapping), 409) == Code::wire_gap);
  CHECK(sender.deliver(second).stored_through == 2);
  parent.work();
  CHECK(parent.openmrs.rows()->size() == 2);
}

TEST_CASE("what belongs to another life, another chain or another node is refused, and nothing of it is taken") {
  OneParent parent;
  Sender sender{parent};
  const Batch good = sender.batch({sender.person(1, "p1")});

  Batch life = good;
  life.life.child.incarnation.counter = 9;
  CHECK(refusal(sender.push(life), 409) == Code::wire_life_over);
  Batch chain = good;
  chain.previous_chain = "another past";
  CHECK(refusal(sender.push(chain), 409) == Code::incarnation_refused);

  Hello hello{kWireVersion, {parent.child, {}}, "kitale", 0, {}, 0, 0, 0, {}};
  hello.life.child.node.bytes[0] = 77;
  CHECK(refusal(parent.ask(kHelloPath, encode(hello)), 403) == Code::tls_identity_mismatch);
  hello = Hello{kWireVersion + 1, {parent.child, {}}, "kitale", 0, {}, 0, 0, 0, {}};
  CHECK(refusal(parent.ask(kHelloPath, encode(hello)), 409) == Code::wire_version_unknown);
  const auto stranger = parent.engine->service().handle(
      {kPushPath, encode(Push{good, 0}), "77000000-0000-0000-0000-000000000000", ""}, std::chrono::milliseconds(0));
  CHECK(refusal(stranger, 403) == Code::node_unknown);

  CHECK(parent.inbox().empty());
  CHECK(sender.deliver(good).stored_through == 1);
}

TEST_CASE("a card that is not the node's, was revoked or is paused is refused by its code") {
  OneParent parent;
  parent.introduce();
  ChildRecord record;
  record.node = parent.child.node;
  record.name = "kitale";
  record.fingerprint = "another";
  parent.admit(record);
  CHECK(refusal(parent.ask(kPullPath, ""), 403) == Code::certificate_replaced);
  record.state = ChildRecord::State::paused;
  parent.admit(record);
  CHECK(refusal(parent.ask(kPullPath, ""), 503) == Code::line_busy);
  record.state = ChildRecord::State::revoked;
  parent.admit(record);
  CHECK(refusal(parent.ask(kPullPath, ""), 403) == Code::certificate_revoked);
}

TEST_CASE("a batch that was altered, torn, cut or labelled wrongly is refused whole") {
  OneParent parent;
  Sender sender{parent};
  const Batch good = sender.batch({sender.person(1, "p1"), sender.person(2, "p2")});
  const auto with_frame = [&](std::string frame) {
    Batch batch = good;
    batch.frame = std::move(frame);
    batch.digest = sha256(batch.frame);
    return batch;
  };
  Batch altered = good;
  altered.frame.back() = static_cast<char>(altered.frame.back() ^ 1);
  CHECK(refusal(sender.push(altered), 400) == Code::wire_digest_mismatch);
  for (std::size_t length = 0; length < good.frame.size(); length += 7)
    CHECK(refusal(sender.push(with_frame(good.frame.substr(0, length))), 400) == Code::wire_malformed);
  CHECK(refusal(sender.push(with_frame(good.frame + "x")), 400) == Code::wire_malformed);

  Batch label = good;
  label.last = 3;
  CHECK(refusal(sender.push(label), 400) == Code::wire_malformed);
  label.last = 1;
  CHECK(refusal(sender.push(label), 400) == Code::wire_malformed);
  label.last = 0;
  CHECK(refusal(sender.push(label), 400) == Code::wire_malformed);
  CHECK(refusal(sender.push(sender.batch({sender.person(1, "p1"), sender.person(1, "p2")})), 400) ==
        Code::wire_malformed);

  Envelope endless;
  endless.number = 1;
  endless.through = UINT64_MAX;
  endless.kind = Envelope::Kind::empty_run;
  label = sender.batch({encode_envelope(endless)});
  label.last = UINT64_MAX;
  CHECK(refusal(sender.push(label), 400) == Code::wire_malformed);

  CHECK(parent.inbox().empty());
  CHECK(sender.deliver(good).stored_through == 2);
}

TEST_CASE("a batch that expands without end is refused by its limit") {
  OneParent parent;
  Sender sender{parent};
  const Batch bomb = sender.batch({std::string(65 * 1024 * 1024, 'a')});
  REQUIRE(bomb.frame.size() < 1024 * 1024);
  CHECK(refusal(sender.push(bomb), 400) == Code::limit_exceeded);
  CHECK(parent.inbox().empty());
  sender.deliver(sender.batch({sender.person(1, "p1")}));
}

TEST_CASE("bytes that are no message are answered by a code, on every path") {
  OneParent parent;
  Sender sender{parent};
  for (const char* path : {kHelloPath, kPushPath, kPullPath}) {
    CHECK(refusal(parent.ask(path, "\xff\xff\xff"), 400) == Code::wire_malformed);
    CHECK(refusal(parent.ask(path, "<html><body>log in</body></html>"), 400) == Code::wire_malformed);
  }
  CHECK(refusal(parent.ask("/sync/v1/nothing", ""), 404) == Code::not_found);
  const std::string good = encode(Push{sender.batch({sender.person(1, "p1")}), 0});
  for (std::size_t length = 1; length < good.size(); ++length)
    CHECK(parent.ask(kPushPath, good.substr(0, length)).status != 200);
  CHECK(parent.inbox().empty());
}

TEST_CASE("an envelope that cannot be read is kept and told of, and those around it go on") {
  OneParent parent;
  Sender sender{parent};
  sender.deliver(sender.batch({sender.person(1, "p1"), "no envelope", sender.person(3, "p3")}));
  parent.work();
  CHECK(parent.openmrs.find({"person", "p1"}) != nullptr);
  CHECK(parent.openmrs.find({"person", "p3"}) != nullptr);

  const auto kept = parent.inbox();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].state == InboxItem::State::quarantined);
  CHECK(kept[0].code == static_cast<std::uint32_t>(Code::wire_malformed));
  CHECK_FALSE(kept[0].reason.empty());
  auto tx = parent.disk.read();
  CHECK(*(*tx)->get(tables::kInboxBody, link_key(to_string(parent.child.node), 2)) == "no envelope");

  const auto told = sender.outcomes();
  REQUIRE(told.size() == 3);
  CHECK(told[0].number == 2);
  CHECK(told[0].state == Outcome::State::quarantined);
  CHECK(told[0].code == static_cast<std::uint32_t>(Code::wire_malformed));
  for (std::size_t i = 0; i < told.size(); ++i) CHECK(told[i].sequence == i + 1);
}

TEST_CASE("a set that this node cannot apply is quarantined with its code; those before and behind it are applied") {
  struct Bad {
    RootKey root;
    std::string resource;
    Code code;
  };
  OneParent parent;
  Sender sender{parent};
  const RootKey other{"location", "l1"}, same{"location", "l2"}, module{"module_table", "m1"};
  const Bad bad =
      GENERATE_COPY(values<Bad>({{{"person", "x"}, "<html>", Code::fhir_malformed},
                                 {{"person", "x"}, sender.body({"person", "y"}, {}), Code::fhir_malformed},
                                 {module, sender.body(module, {{"a", "1"}}), Code::mapping_unknown_table},
                                 {same, sender.body(same, {{"name", "Ward 1"}}, "name"), Code::apply_name_taken}}));
  sender.deliver(sender.batch({sender.change(1, other, sender.body(other, {{"name", "Ward 1"}}, "name")),
                               sender.change(2, bad.root, bad.resource), sender.person(3, "p3")}));
  parent.work();
  CHECK(parent.openmrs.find(other) != nullptr);
  CHECK(parent.openmrs.find({"person", "p3"}) != nullptr);
  const auto kept = parent.inbox();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].state == InboxItem::State::quarantined);
  CHECK(to_string(static_cast<Code>(kept[0].code)) == to_string(bad.code));
  const auto told = sender.outcomes();
  REQUIRE(told.size() == 3);
  CHECK(std::count_if(told.begin(), told.end(), [](const Outcome& o) {
          return o.number == 2 && o.state == Outcome::State::quarantined && !o.reason.empty();
        }) == 1);
}

TEST_CASE("a set whose target is not here waits for it by name, and nothing else waits") {
  OneParent parent;
  Sender sender{parent};
  const RootKey encounter{"encounter", "e1"};
  const std::string waiting = sender.body(encounter, {{"patient_id", "p9"}, {"location_id", "nowhere"}});
  sender.deliver(sender.batch({sender.change(1, encounter, waiting), sender.person(2, "p2")}));
  parent.work();
  CHECK(parent.openmrs.find(encounter) == nullptr);
  CHECK(parent.openmrs.find({"person", "p2"}) != nullptr);
  REQUIRE(parent.inbox().size() == 1);
  CHECK(parent.inbox()[0].state == InboxItem::State::held);
  CHECK(parent.inbox()[0].code == static_cast<std::uint32_t>(Code::reference_missing));
  const std::vector<RootKey> missing{{"location", "nowhere"}, {"person", "p9"}};
  CHECK(parent.inbox()[0].waits_for == missing);

  const RootKey place{"location", "nowhere"};
  sender.deliver(sender.batch(
      {sender.change(3, place, sender.body(place, {{"name", "Nowhere"}}, "name")), sender.person(4, "p9")}));
  parent.work();
  CHECK(parent.inbox().empty());
  CHECK(parent.openmrs.find(encounter) != nullptr);
}

TEST_CASE("whatever a hostile child makes of an envelope, the parent lives and takes what comes behind it") {
  OneParent parent;
  Sender sender{parent};
  std::mt19937 random(11);
  for (int i = 0; i < 400; ++i) {
    std::string envelope = sender.person(sender.sent + 1, "p" + std::to_string(i % 5));
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      envelope[random() % envelope.size()] = static_cast<char>(random());
    const Batch batch = sender.batch({envelope});
    const ports::Response answer = sender.push(batch);
    CHECK((answer.status == 200 || answer.status == 400));
    if (answer.status == 200) sender.deliver(batch);
    if (i % 20 == 0) parent.work(3);
  }
  sender.deliver(sender.batch({sender.person(sender.sent + 1, "good")}));
  parent.work(60);
  CHECK(parent.openmrs.find({"person", "good"}) != nullptr);
  for (const InboxItem& item : parent.inbox()) CHECK(item.state != InboxItem::State::waiting);
}

TEST_CASE("a store that fails once, whatever it was asked for, quarantines nothing and loses nothing") {
  std::uint64_t operations = 0;
  for (std::uint64_t in = 1; in == 1 || in <= operations; ++in) {
    CAPTURE(in);
    OneParent parent;
    Sender sender{parent};
    parent.work(3);
    sender.deliver(sender.batch({sender.person(1, "p1"), sender.person(2, "p2")}));
    const std::uint64_t before = parent.store.operations();
    parent.store.plan({memory::StoreFault::Counting::operations, in, memory::StoreFault::When::before_effect, false,
                       Error{Remedy::retry_later, Code::disk_full, "the store cannot grow"}});
    parent.work(10);
    if (in == 1) operations = parent.store.operations() - before;
    parent.store.heal();
    parent.work();
    REQUIRE(parent.inbox().empty());
    REQUIRE(parent.openmrs.rows()->size() == 2);
    REQUIRE(sender.outcomes().size() == 2);
  }
  REQUIRE(operations > 10);
}
