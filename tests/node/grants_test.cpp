// What a child may write, what it is told, and how much of it (I-7).
#include "node/lives/life.h"
#include "node/receive/admit.h"
#include "tests/node/few_nodes.h"
#include "tests/node/one_parent.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

const RootKey kWard{"location", "ward"}, kShed{"location", "shed"}, kOne{"person", "one"}, kTwo{"person", "two"};

void write(TestNode& at, const RootKey& root, const std::string& text) {
  memory::Clinician nurse(at.openmrs, "user-1");
  const GroupName group = root.table == "location" ? "name" : "gender";
  REQUIRE(nurse.write_now(root, {{group, cells({{group, text}})}}));
}

void allow(Country& country, TestNode& child, const Grant& up, const Grant& down) {
  const std::string key = to_string(child.engine->world().identity.node);
  auto tx = country.p.disk.write();
  auto record = get_record<ChildRecord>(**tx, tables::kNodes, key).value().value();
  record.up = up;
  record.down = down;
  REQUIRE(put_record(**tx, tables::kNodes, key, record));
  REQUIRE((*tx)->commit());
}

bool has(const TestNode& node, const RootKey& root) { return node.openmrs.find(root) != nullptr; }

template <typename Record>
std::vector<Record> all_of(TestNode& node, ports::TableName table) {
  std::vector<Record> records;
  auto tx = node.disk.read();
  REQUIRE((*tx)->scan(table, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    records.push_back(decode_record<Record>(entry.value).value());
    return true;
  }));
  return records;
}

/// As 'queue retry --all' at the parent.
void retry(TestNode& node) {
  auto tx = node.disk.write();
  std::vector<std::pair<std::string, InboxItem>> items;
  REQUIRE((*tx)->scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    items.emplace_back(entry.key, decode_record<InboxItem>(entry.value).value());
    return true;
  }));
  for (auto& [key, item] : items) {
    item.state = InboxItem::State::waiting;
    REQUIRE(put_record(**tx, tables::kInbox, key, item));
  }
  REQUIRE((*tx)->commit());
}

constexpr Grant kAll{}, kClinical{true, false, 0}, kNothing{false, false, 0};

}  // namespace

TEST_CASE("a set of a class that a child may not write is refused and listed on both sides; nothing else waits") {
  Country country;
  country.start();
  allow(country, country.a, kClinical, kAll);
  write(country.a, kWard, "mine");
  write(country.a, kOne, "F");
  country.settle();
  CHECK(has(country.p, kOne));
  CHECK(has(country.b, kOne));
  CHECK_FALSE(has(country.p, kWard));
  CHECK_FALSE(has(country.b, kWard));
  const auto listed = all_of<InboxItem>(country.p, tables::kInbox);
  REQUIRE(listed.size() == 1);
  CHECK(listed.front().state == InboxItem::State::quarantined);
  CHECK(listed.front().code == static_cast<std::uint32_t>(Code::grant_missing));
  const auto sent = all_of<SentSet>(country.a, tables::kSent);
  REQUIRE(sent.size() == 1);
  CHECK(sent.front().code == static_cast<std::uint32_t>(Code::grant_missing));

  retry(country.p);  // the grant of the moment counts, not that somebody tries again
  country.settle();
  CHECK_FALSE(has(country.p, kWard));

  allow(country, country.a, kAll, kAll);
  retry(country.p);
  country.settle();
  CHECK(has(country.p, kWard));
  CHECK(has(country.b, kWard));
  CHECK(all_of<SentSet>(country.a, tables::kSent).empty());
}

TEST_CASE("what is loaded is held to the grant like what is written") {
  Country country;
  for (int i = 0; i < 5; ++i) write(country.a, {"location", "l" + std::to_string(i)}, "n" + std::to_string(i));
  write(country.a, kOne, "F");
  country.start();
  allow(country, country.a, kClinical, kAll);
  country.settle();
  CHECK(has(country.p, kOne));
  CHECK(country.p.openmrs.rows()->size() == 1);
}

TEST_CASE("a new life of a link is no way around the grant") {
  Country country;
  country.start();
  country.settle();
  allow(country, country.a, kClinical, kAll);
  write(country.a, kWard, "mine");
  country.settle();
  REQUIRE(all_of<InboxItem>(country.p, tables::kInbox).size() == 1);
  {
    auto tx = country.p.disk.write();
    const std::string link = to_string(country.a.engine->world().identity.node);
    auto record = link_record(**tx, link).value();
    REQUIRE(renew_link(**tx, country.p.engine->world().stamp(0), link, record, record.life));
    REQUIRE((*tx)->commit());
  }
  retry(country.p);
  for (int i = 0; i < 50; ++i)
    for (Worker* worker : country.p.engine->workers()) {
      (void)worker->step({});
      country.p.clock.advance(milliseconds(50));
    }
  CHECK_FALSE(has(country.p, kWard));
}

TEST_CASE("a child is told nothing of a class that it may not have, and all of it once it may") {
  Country country;
  write(country.p, kShed, "old");
  country.start();
  allow(country, country.b, kAll, kClinical);
  write(country.p, kWard, "new");
  write(country.a, kOne, "F");
  country.settle();
  CHECK(has(country.b, kOne));
  CHECK_FALSE(has(country.b, kShed));
  CHECK_FALSE(has(country.b, kWard));
  CHECK(has(country.a, kShed));

  allow(country, country.b, kAll, kNothing);
  write(country.a, kTwo, "M");
  country.settle();
  CHECK_FALSE(has(country.b, kTwo));

  allow(country, country.b, kAll, kAll);
  country.settle();
  require_equal(country);
}

TEST_CASE("a child that sends more than its rate is put off, and no longer than it has to be") {
  OneParent parent;
  ChildRecord record;
  record.node = parent.child.node;
  record.name = "kitale";
  record.up.bytes_per_second = 10;
  parent.admit(record);
  const LinkLife life = parent.introduce();
  const auto push = [&] {
    const ports::Response answer = parent.ask(kPushPath, encode(Push{Batch{life, 0, 0, {}, {}, {}}, 0}));
    return decode<Refusal>(answer.body)->code;
  };
  CHECK(push() == Code::wire_malformed);  // an empty batch, but it was looked at
  CHECK(push() == Code::line_busy);
  parent.clock.advance(milliseconds(60'000));
  CHECK(push() == Code::wire_malformed);
}

TEST_CASE("only the certificate that a child was given last opens, from its first use on") {
  OneParent parent;
  ChildRecord record;
  record.node = parent.child.node;
  record.fingerprint = "old";
  record.next_fingerprint = "new";
  parent.admit(record);
  const auto as = [&](const std::string& fingerprint) -> Code {
    const auto admitted = admit(parent.disk, parent.clock, {kPullPath, "", to_string(parent.child.node), fingerprint});
    return admitted ? Code::defect : admitted.error().code;
  };
  CHECK(as("old") == Code::defect);
  CHECK(as("other") == Code::certificate_replaced);
  CHECK(as("new") == Code::defect);
  CHECK(as("old") == Code::certificate_replaced);
  CHECK(as("new") == Code::defect);
  CHECK(parent.audited("certificate.taken_over") == 1);
  record.fingerprint = "new";
  for (const auto& [state, code] : {std::pair(ChildRecord::State::invited, Code::node_unknown),
                                    std::pair(ChildRecord::State::revoked, Code::certificate_revoked),
                                    std::pair(ChildRecord::State::paused, Code::line_busy)}) {
    record.state = state;
    parent.admit(record);
    CHECK(as("new") == code);
  }
}

TEST_CASE("a node that shows another's batch is refused, and so is one that hammers: listed once a minute") {
  OneParent parent;
  LinkLife life = parent.introduce();
  life.child.node.bytes[0] = 9;
  const std::string others = encode(Push{Batch{life, 1, 1, {}, {}, {}}, 0});
  for (int i = 0; i < 5; ++i)
    CHECK(decode<Refusal>(parent.ask(kPushPath, others).body)->code == Code::tls_identity_mismatch);
  CHECK(parent.audited("peer.refused") == 1);
  parent.clock.advance(milliseconds(60'000));
  (void)parent.ask(kPushPath, others);
  CHECK(parent.audited("peer.refused") == 2);
  CHECK(parent.inbox().empty());
}
