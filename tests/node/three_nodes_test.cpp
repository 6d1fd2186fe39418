#include <deque>

#include "adapters/memory/clinician.h"
#include "adapters/memory/clock.h"
#include "adapters/memory/entropy.h"
#include "adapters/memory/log.h"
#include "adapters/memory/openmrs_codec.h"
#include "adapters/memory/openmrs_twin.h"
#include "adapters/memory/store.h"
#include "node/engine.h"
#include "node/store/facts.h"
#include "protocol/cells.h"
#include "tests/support/catch.h"

using namespace omrsync;
using std::chrono::milliseconds;

namespace {

/// A line without faults: the parent's service answers in the same thread.
class DirectLink final : public ports::ParentLink {
 public:
  DirectLink(node::ParentService& service, std::string peer) : service_(service), peer_(std::move(peer)) {}
  Status send(ports::Request request) override {
    request_ = std::move(request);
    return Done{};
  }
  Result<std::optional<ports::Response>> collect(milliseconds) override {
    return std::optional<ports::Response>(service_.handle({request_.path, request_.body, peer_, ""}, milliseconds(0)));
  }

 private:
  node::ParentService& service_;
  std::string peer_;
  ports::Request request_;
};

Uuid node_id(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

struct TestNode {
  memory::ManualClock clock;
  memory::SeededEntropy entropy;
  memory::MemoryStore store{node::tables::kAll};
  memory::OpenmrsTwin openmrs;
  memory::FlatCodec codec;
  memory::NullLog log;
  std::unique_ptr<node::Engine> engine;

  explicit TestNode(std::uint8_t number) : entropy(number), openmrs(memory::twin_schema(), number, clock), number_(number) {}

  void start(TestNode* parent, bool children) {
    node::Identity identity;
    identity.node = node_id(number_);
    identity.name = std::string(1, static_cast<char>('a' + number_));
    identity.incarnation = {1, number_};
    std::unique_ptr<ports::ParentLink> push, pull;
    if (parent != nullptr) {
      auto tx = parent->store.write();
      node::ChildRecord record;
      record.node = identity.node;
      record.name = identity.name;
      REQUIRE(node::put_record(**tx, node::tables::kNodes, to_string(identity.node), record));
      REQUIRE((*tx)->commit());
      push = std::make_unique<DirectLink>(parent->engine->service(), to_string(identity.node));
      pull = std::make_unique<DirectLink>(parent->engine->service(), to_string(identity.node));
    }
    engine = std::make_unique<node::Engine>(node::EngineParts{store, openmrs, codec, clock, entropy, log, identity,
                                                              openmrs.changes(), std::move(push), std::move(pull),
                                                              children});
  }

 private:
  std::uint8_t number_;
};

struct Country {
  TestNode p{1}, a{2}, b{3};

  void start() {
    p.start(nullptr, true);
    a.start(&p, false);
    b.start(&p, false);
  }

  void settle(int rounds = 300) {
    for (int i = 0; i < rounds; ++i)
      for (TestNode* node : {&p, &a, &b})
        for (node::Worker* worker : node->engine->workers()) {
          (void)worker->step({});
          node->clock.advance(milliseconds(50));
        }
  }
};

GroupValue cells(std::vector<NamedCell> list) { return encode_cells(std::move(list)); }

std::map<GroupName, std::string> rows_of(const memory::OpenmrsTwin& twin, const RootKey& root) {
  std::map<GroupName, std::string> groups;
  if (const auto row = twin.find(root))
    for (const auto& [name, value] : row->groups) groups[name] = value;
  return groups;
}

void require_equal(Country& country) {
  for (TestNode* other : {&country.a, &country.b}) {
    const auto mine = country.p.openmrs.rows();
    const auto theirs = other->openmrs.rows();
    REQUIRE(mine->size() == theirs->size());
    for (const auto& [root, row] : *mine) {
      INFO(root.table << " " << root.key);
      REQUIRE(theirs->contains(root));
      REQUIRE(row->groups == theirs->at(root)->groups);
    }
  }
}

}  // namespace

TEST_CASE("a change in one clinic reaches the centre and another clinic") {
  Country country;
  country.start();
  country.settle(20);
  memory::Clinician nurse(country.a.openmrs, "user-1");
  const RootKey person{"person", "p1"};
  REQUIRE(nurse.write_now(person, {{"gender", cells({{"gender", "F"}})}}));
  country.settle();
  REQUIRE_FALSE(rows_of(country.p.openmrs, person).empty());
  REQUIRE_FALSE(rows_of(country.b.openmrs, person).empty());
  require_equal(country);

  REQUIRE(nurse.write_now(person, {{"gender", cells({{"gender", "M"}})}}));
  country.settle();
  require_equal(country);
  REQUIRE(find_cell(rows_of(country.b.openmrs, person)["gender"], "gender") == "M");
}
