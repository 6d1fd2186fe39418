#pragma once

#include <memory>
#include <string>

#include "adapters/memory/clock.h"
#include "adapters/memory/entropy.h"
#include "adapters/memory/log.h"
#include "adapters/memory/openmrs_codec.h"
#include "adapters/memory/openmrs_twin.h"
#include "adapters/memory/store.h"
#include "adapters/memory/store_faulty.h"
#include "node/engine.h"
#include "node/store/facts.h"
#include "protocol/messages.h"
#include "tests/support/catch.h"

namespace omrsync::node {

/// A parent that knows one child, whose part the test plays.
struct OneParent {
  memory::ManualClock clock;
  memory::SeededEntropy entropy{1};
  memory::MemoryStore disk{tables::kAll};
  memory::FaultyStore store{disk};
  memory::OpenmrsTwin openmrs{memory::twin_schema(), 1, clock};
  memory::FlatCodec codec;
  memory::RecordingLog log;
  Actor child{{}, {1, 7}};
  std::unique_ptr<Engine> engine;

  OneParent() {
    child.node.bytes[0] = 2;
    ChildRecord record;
    record.node = child.node;
    record.name = "kitale";
    admit(record);
    Identity identity;
    identity.node.bytes[0] = 1;
    identity.name = "hq";
    identity.incarnation = {1, 1};
    engine = std::make_unique<Engine>(
        EngineParts{store, openmrs, codec, clock, entropy, log, identity, openmrs.changes(), nullptr, nullptr, true});
  }

  void admit(const ChildRecord& record) {
    auto tx = disk.write();
    REQUIRE(put_record(**tx, tables::kNodes, to_string(record.node), record));
    REQUIRE((*tx)->commit());
  }

  ports::Response ask(std::string_view path, std::string body,
                      std::chrono::milliseconds patience = std::chrono::milliseconds(0)) {
    return engine->service().handle({std::string(path), std::move(body), to_string(child.node), ""}, patience);
  }

  LinkLife introduce() {
    const ports::Response answer =
        ask(kHelloPath, encode(Hello{kWireVersion, {child, {}}, "kitale", 0, {}, 0, clock.utc().count(), 0, {}}));
    REQUIRE(answer.status == 200);
    return decode<HelloAnswer>(answer.body)->life;
  }

  LinkRecord link() {
    auto tx = disk.read();
    return link_record(**tx, to_string(child.node)).value();
  }

  bool was_asked_at(std::chrono::milliseconds when) { return link().last_contact_ms == when.count(); }

  /// What came in is applied, as far as it can be.
  void work(int rounds = 20) {
    for (int i = 0; i < rounds; ++i)
      for (Worker* worker : engine->workers()) {
        (void)worker->step({});
        clock.advance(std::chrono::milliseconds(50));
      }
  }

  std::vector<InboxItem> inbox() {
    std::vector<InboxItem> items;
    auto tx = disk.read();
    REQUIRE((*tx)->scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      items.push_back(decode_record<InboxItem>(entry.value).value());
      return true;
    }));
    return items;
  }

  std::size_t audited(const std::string& act) {
    std::size_t count = 0;
    auto tx = disk.read();
    REQUIRE((*tx)->scan(tables::kAudit, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      count += entry.value.find("{\"act\":\"" + act + "\"") != std::string::npos ? 1 : 0;
      return true;
    }));
    return count;
  }
};

}  // namespace omrsync::node
