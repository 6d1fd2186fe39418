#include "node/admin/nodes.h"

#include "node/admin/audit.h"
#include "node/admin/status.h"
#include "tests/node/admin/sample_store.h"

namespace omrsync::admin {
namespace {

using State = node::ChildRecord::State;

Surroundings calm() {
  Surroundings around;
  around.role = "parent";
  around.version = "0.1.0";
  around.daemon_pid = 4711;
  around.free_bytes = 10'000'000'000;
  around.now_ms = 1'700'000'000'000;
  return around;
}

Json status_of(SampleStore& sample, const Surroundings& around) { return status(*sample.read(), around)->json; }

std::int64_t number(const Json& json, const char* section, const char* member) {
  return *json.find(section)->find(member)->integer();
}

}  // namespace

TEST_CASE("a child is found by name and by the beginning of either") {
  SampleStore sample;
  const auto tx = sample.read();
  CHECK(show_child(*tx, "kitale")->child.node == sample.child.node);
  CHECK(show_child(*tx, "kit")->child.node == sample.child.node);
  CHECK(show_child(*tx, "02020202")->child.name == "kitale");
  CHECK(show_child(*tx, "turkana").error().code == Code::not_found);
}

TEST_CASE("a child's view counts what waits for it and what failed") {
  SampleStore sample;
  sample.arrive(1, node::InboxItem::State::waiting);
  sample.arrive(2, node::InboxItem::State::quarantined, Code::apply_refused);
  sample.write([&](ports::StoreTransaction& tx) {
    for (std::uint64_t n = 1; n <= 5; ++n) REQUIRE(tx.put(node::tables::kLog, node::tables::number_key(n), "row"));
    node::LinkRecord link;
    link.log_cursor = 3;
    link.last_contact_ms = 1'700'000'000'000;
    REQUIRE(node::put_link(tx, to_string(sample.child.node), link));
  });

  const auto view = show_child(*sample.read(), "kitale").value();

  CHECK(view.waiting_down == 2);
  CHECK(view.waiting_up == 1);
  CHECK(view.failed == 1);
  CHECK(to_json(view).text_of("last_seen") == "2023-11-14T22:13:20Z");
}

TEST_CASE("names are unique and well-formed, catchments are known") {
  SampleStore sample;
  const auto tx = sample.read();
  CHECK(check_new_child(*tx, "turkana", "all"));
  CHECK(check_new_child(*tx, "turkana", "none"));
  for (const char* name : {"kitale", "hq", "Turkana", "", "-x", "a_b", "a b"})
    CHECK_FALSE(check_new_child(*tx, name, "all"));
  CHECK_FALSE(check_new_child(*tx, "turkana", "location:1"));
  CHECK_FALSE(check_new_child(*tx, "turkana", "some"));
}

TEST_CASE("a revoked child stays revoked, and its name may be given anew") {
  SampleStore sample;

  REQUIRE(set_child_state(sample.store, "kitale", State::paused, 1, false));
  CHECK(to_json(*show_child(*sample.read(), "kitale")).text_of("state") == "paused");
  REQUIRE(set_child_state(sample.store, "kitale", State::revoked, 2, false));

  CHECK(set_child_state(sample.store, "kitale", State::active, 3, false).error().code == Code::usage);
  CHECK(check_new_child(*sample.read(), "kitale", "all"));
  CHECK(verify_audit(*sample.read())->records == 2);
}

TEST_CASE("status says who the node is and what it has to do, and knows when nobody need look") {
  SampleStore sample;

  const Json calm_status = status_of(sample, calm());
  CHECK(calm_status.text_of("schema") == "omrsync/status/1");
  CHECK(calm_status.find("node")->text_of("name") == "hq");
  CHECK(calm_status.find("outbox") == nullptr);
  CHECK(calm_status.find("parent") == nullptr);
  CHECK(calm_status.find("children")->array()->size() == 1);
  CHECK(status(*sample.read(), calm())->attention.empty());

  sample.arrive(1, node::InboxItem::State::waiting);
  sample.arrive(2, node::InboxItem::State::held, Code::reference_missing);
  sample.arrive(3, node::InboxItem::State::quarantined, Code::apply_refused);
  const Json busy = status_of(sample, calm());
  CHECK(number(busy, "inbox", "waiting") == 1);
  CHECK(number(busy, "inbox", "held") == 1);
  CHECK(number(busy, "inbox", "quarantined") == 1);
  CHECK(busy.find("next")->array()->front() == Json("omrsync queue ls --state quarantined"));
}

TEST_CASE("status of a child counts what is not safe at the parent yet, and names what is wrong with the line") {
  SampleStore sample;
  sample.write([&](ports::StoreTransaction& tx) {
    node::OfferedSet offered;
    offered.set = {sample.self, 9};
    offered.stamp.at_ms = 1'700'000'000'000;
    REQUIRE(node::put_record(tx, node::tables::kOutbox, node::tables::number_key(1), offered));
    node::SentSet sent;
    sent.stored = true;
    REQUIRE(node::put_record(tx, node::tables::kSent, node::link_key(node::kParentLink, 1), sent));
    sent.stored = false;
    sent.since_ms = 1'600'000'000'000;
    REQUIRE(node::put_record(tx, node::tables::kSent, node::link_key(node::kParentLink, 2), sent));
    node::LinkRecord link;
    link.error_code = static_cast<std::uint32_t>(Code::line_foreign_answer);
    link.error_message = "an HTML page";
    link.clock_offset_ms = 100;
    link.last_contact_ms = 1;
    REQUIRE(node::put_link(tx, node::kParentLink, link));
  });
  Surroundings around = calm();
  around.role = "child";
  around.parent_url = "https://hq:8443";

  const auto answer = status(*sample.read(), around).value();

  CHECK(number(answer.json, "outbox", "change_sets") == 2);
  CHECK(answer.json.find("outbox")->text_of("oldest") == "2020-09-13T12:26:40Z");
  CHECK(answer.json.find("parent")->text_of("state") == "foreign");
  CHECK(answer.json.find("parent")->find("error")->text_of("code") == "SYNC-1003");
  CHECK(*answer.json.find("clock")->find("trusted")->boolean());
  CHECK(answer.attention.size() == 1);
}

TEST_CASE("a clock that is off is worth a look, at the child and at its parent") {
  SampleStore sample;
  constexpr std::int64_t kTwoYears_ms = 2LL * 365 * 24 * 3600 * 1000;
  sample.write([&](ports::StoreTransaction& tx) {
    node::LinkRecord link;
    link.last_contact_ms = 1'700'000'000'000;
    link.clock_offset_ms = -kTwoYears_ms;
    REQUIRE(node::put_link(tx, node::kParentLink, link));
    REQUIRE(node::put_link(tx, to_string(sample.child.node), link));
  });
  Surroundings around = calm();
  around.role = "district";
  around.parent_url = "https://hq:8443";

  const auto answer = status(*sample.read(), around).value();

  const Json& clock = *answer.json.find("clock");
  CHECK_FALSE(*clock.find("trusted")->boolean());
  CHECK(clock.find("error")->text_of("code") == "SYNC-1105");
  CHECK(clock.find("error")->text_of("message") == "the clock is 63072000 s off the parent's");
  CHECK_FALSE(clock.find("error")->text_of("remedy").empty());
  CHECK(answer.json.find("parent")->text_of("state") == "ok");
  const std::vector<std::string> attention{"the clock is 63072000 s off the parent's",
                                           "kitale: its clock is 63072000 s off"};
  CHECK(answer.attention == attention);
}

TEST_CASE("a daemon that does not run is worth a look, and capture is stopped then") {
  SampleStore sample;
  Surroundings around = calm();
  around.daemon_pid.reset();
  around.has_openmrs = true;

  const auto answer = status(*sample.read(), around).value();

  CHECK(answer.json.find("capture")->text_of("state") == "stopped");
  CHECK(answer.json.find("next")->array()->front() == Json("omrsync serve"));
  CHECK(answer.attention.size() == 1);
}

}  // namespace omrsync::admin
