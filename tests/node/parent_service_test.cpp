#include <thread>

#include "adapters/memory/clock.h"
#include "adapters/memory/entropy.h"
#include "adapters/memory/log.h"
#include "adapters/memory/openmrs_codec.h"
#include "adapters/memory/openmrs_twin.h"
#include "adapters/memory/store.h"
#include "node/engine.h"
#include "node/store/facts.h"
#include "protocol/messages.h"
#include "tests/support/catch.h"

using namespace omrsync;
using std::chrono::milliseconds;

namespace {

struct Parent {
  memory::ManualClock clock;
  memory::SeededEntropy entropy{1};
  memory::MemoryStore store{node::tables::kAll};
  memory::OpenmrsTwin openmrs{memory::twin_schema(), 1, clock};
  memory::FlatCodec codec;
  memory::NullLog log;
  Actor child{{}, {1, 7}};
  std::unique_ptr<node::Engine> engine;

  Parent() {
    child.node.bytes[0] = 2;
    auto tx = store.write();
    node::ChildRecord record;
    record.node = child.node;
    record.name = "kitale";
    REQUIRE(node::put_record(**tx, node::tables::kNodes, to_string(child.node), record));
    REQUIRE((*tx)->commit());
    node::Identity identity;
    identity.node.bytes[0] = 1;
    identity.name = "hq";
    identity.incarnation = {1, 1};
    engine = std::make_unique<node::Engine>(node::EngineParts{store, openmrs, codec, clock, entropy, log, identity,
                                                              openmrs.changes(), nullptr, nullptr, true});
  }

  ports::Response ask(std::string_view path, std::string body, milliseconds patience = milliseconds(0)) {
    return engine->service().handle({std::string(path), std::move(body), to_string(child.node), ""}, patience);
  }

  LinkLife introduce() {
    const ports::Response answer = ask(kHelloPath, encode(Hello{kWireVersion, {child, {}}, "kitale", 0, {}, 0, 0, 0, {}}));
    REQUIRE(answer.status == 200);
    return decode<HelloAnswer>(answer.body)->life;
  }

  bool was_asked_at(milliseconds when) {
    auto tx = store.read();
    const auto record = node::link_record(**tx, to_string(child.node));
    return record->last_contact_ms == when.count();
  }
};

}  // namespace

TEST_CASE("a child's changes are taken while its question for news waits") {
  Parent parent;
  const LinkLife life = parent.introduce();
  parent.clock.advance(milliseconds(1000));
  const milliseconds asked = parent.clock.utc();
  ports::Response news;
  std::thread waiting([&] {
    news = parent.ask(kPullPath, encode(Pull{life, 0, 65536, 3'600'000, 0, {}}), std::chrono::hours(1));
  });
  while (!parent.was_asked_at(asked)) std::this_thread::yield();

  const ports::Response introduced = parent.ask(kHelloPath, encode(Hello{kWireVersion, life, "kitale", 0, {}, 0, 0, 0, {}}));
  CHECK(introduced.status == 200);

  parent.engine->service().stop();
  waiting.join();
  CHECK(news.status == 200);
}
