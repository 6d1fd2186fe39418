#include "node/admin/queue.h"

#include "node/admin/audit.h"
#include "tests/node/admin/sample_store.h"

namespace omrsync::admin {
namespace {

using State = node::InboxItem::State;

QueueFilter by_state(const char* state) { return {state, {}, {}}; }

std::vector<QueueItem> listed(SampleStore& sample, const QueueFilter& filter = {}) {
  std::vector<QueueItem> items;
  const auto tx = sample.read();
  REQUIRE(list_queue(*tx, filter, [&](const QueueItem& item) { items.push_back(item); }));
  return items;
}

Result<std::vector<QueueItem>> change(SampleStore& sample, QueueAct act, QueueTarget target, bool dry_run = false) {
  return change_queue(sample.store, {act, std::move(target), "because", 1'700'000'000'123, dry_run});
}

}  // namespace

TEST_CASE("sets on their way out are told apart by how far they are") {
  SampleStore sample;
  sample.write([&](ports::StoreTransaction& tx) {
    node::OfferedSet offered;
    offered.set = {sample.self, 9};
    offered.roots = {{"obs", "o1"}};
    REQUIRE(node::put_record(tx, node::tables::kOutbox, node::tables::number_key(1), offered));
    node::SentSet sent;
    sent.set = {sample.self, 7};
    REQUIRE(node::put_record(tx, node::tables::kSent, node::link_key(node::kParentLink, 1), sent));
    sent.set.sequence = 8;
    sent.stored = true;
    REQUIRE(node::put_record(tx, node::tables::kSent, node::link_key(node::kParentLink, 2), sent));
    sent.set.sequence = 6;
    sent.told = Outcome::State::quarantined;
    sent.code = static_cast<std::uint32_t>(Code::apply_refused);
    REQUIRE(node::put_record(tx, node::tables::kSent, node::link_key(node::kParentLink, 3), sent));
  });

  const auto items = listed(sample);

  REQUIRE(items.size() == 4);
  CHECK(items[0].state == "sent");
  CHECK(items[1].state == "stored");
  CHECK(items[2].state == "quarantined");
  CHECK(items[3].state == "waiting");
  CHECK(items[3].id == to_string(sample.self.node) + "/1/9");
  CHECK(items[3].resources == std::vector<std::string>{"Observation/o1"});
  const Json json = to_json(items[2]);
  CHECK(json.text_of("schema") == "omrsync/queue/1");
  CHECK(json.text_of("code") == "SYNC-3001");
  CHECK_FALSE(json.text_of("remedy").empty());
}

TEST_CASE("filters by state, direction and code") {
  SampleStore sample;
  sample.arrive(1, State::waiting);
  sample.arrive(2, State::held, Code::reference_missing);
  sample.arrive(3, State::quarantined, Code::apply_text_unfit);

  CHECK(listed(sample, by_state("held")).size() == 1);
  CHECK(listed(sample, {{}, "in", {}}).size() == 3);
  CHECK(listed(sample, {{}, "out", {}}).empty());
  CHECK(listed(sample, {{}, {}, "SYNC-3002"}).front().resources.front() == "Patient/p3");
  const auto tx = sample.read();
  CHECK(list_queue(*tx, by_state("lost"), [](const QueueItem&) {}).error().code == Code::usage);
}

TEST_CASE("a set is found by the beginning of its id, if only one begins so") {
  SampleStore sample;
  sample.arrive(1, State::waiting);
  sample.arrive(20, State::waiting);
  const auto tx = sample.read();
  const std::string id = to_string(sample.child.node) + "/3/1";

  CHECK(show_queue(*tx, id + "01")->front().id == id + "01");
  CHECK(show_queue(*tx, id).error().code == Code::usage);
  CHECK(show_queue(*tx, "nothing").error().code == Code::not_found);
}

TEST_CASE("retry makes held and quarantined sets wait again, and is written down") {
  SampleStore sample;
  sample.arrive(1, State::waiting);
  sample.arrive(2, State::held, Code::reference_missing);
  sample.arrive(3, State::quarantined, Code::apply_text_unfit);

  REQUIRE(change(sample, QueueAct::retry, {{}, {}, true}));

  CHECK(listed(sample, by_state("waiting")).size() == 3);
  CHECK(verify_audit(*sample.read())->records == 2);
  REQUIRE(change(sample, QueueAct::retry, {{}, {}, true}));
  CHECK(verify_audit(*sample.read())->records == 2);
}

TEST_CASE("retry by code leaves the others") {
  SampleStore sample;
  sample.arrive(2, State::held, Code::reference_missing);
  sample.arrive(3, State::quarantined, Code::apply_text_unfit);

  REQUIRE(change(sample, QueueAct::retry, {{}, "SYNC-3002", false}));

  CHECK(listed(sample, by_state("held")).size() == 1);
  CHECK(listed(sample, by_state("quarantined")).empty());
}

TEST_CASE("a dry run reports the same and changes nothing") {
  SampleStore sample;
  sample.arrive(3, State::quarantined, Code::apply_text_unfit);

  const auto items = change(sample, QueueAct::retry, {{}, {}, true}, true);

  REQUIRE(items);
  CHECK(items->size() == 1);
  CHECK(listed(sample, by_state("quarantined")).size() == 1);
  CHECK(verify_audit(*sample.read())->records == 0);
}

TEST_CASE("a set on hold is not tried until it is released") {
  SampleStore sample;
  const std::string key = sample.arrive(1, State::waiting);
  const std::string id = listed(sample).front().id;

  REQUIRE(change(sample, QueueAct::hold, {id, {}, false}));
  CHECK((*node::get_record<node::InboxItem>(*sample.read(), node::tables::kInbox, key))->state == State::paused);
  CHECK(listed(sample).front().state == "held");

  REQUIRE(change(sample, QueueAct::release, {id, {}, false}));
  CHECK(listed(sample).front().state == "waiting");
}

TEST_CASE("a discarded set is gone with all that points to it, and its sender is told") {
  SampleStore sample;
  sample.arrive(2, State::held, Code::reference_missing);

  const auto items = change(sample, QueueAct::discard, {listed(sample).front().id, {}, false});

  REQUIRE(items);
  CHECK(items->front().state == "discarded");
  for (const auto table : {node::tables::kInbox, node::tables::kInboxBody, node::tables::kWaits, node::tables::kBrings})
    CHECK(sample.rows(table) == 0);
  const auto told = sample.read()->last(node::tables::kOutcomes, "", "");
  REQUIRE(told.value());
  const auto receipt = decode<Receipt>((*told)->second);
  REQUIRE(receipt);
  CHECK(receipt->outcomes.front().state == Outcome::State::refused);
  CHECK(receipt->outcomes.front().number == 2);
}

TEST_CASE("what is on its way out is decided where it waits") {
  SampleStore sample;
  sample.write([&](ports::StoreTransaction& tx) {
    node::OfferedSet offered;
    offered.set = {sample.self, 9};
    REQUIRE(node::put_record(tx, node::tables::kOutbox, node::tables::number_key(1), offered));
  });

  CHECK(change(sample, QueueAct::discard, {listed(sample).front().id, {}, false}).error().code == Code::usage);
  CHECK(change(sample, QueueAct::retry, {}).error().code == Code::usage);
}

TEST_CASE("a row that cannot be read is told as a damaged store") {
  SampleStore sample;
  sample.write([&](ports::StoreTransaction& tx) {
    REQUIRE(tx.put(node::tables::kInbox, node::link_key("x", 1), "\x01\xFF\xFF"));
  });
  const auto tx = sample.read();
  CHECK(list_queue(*tx, {}, [](const QueueItem&) {}).error().code == Code::store_damaged);
}

}  // namespace omrsync::admin
