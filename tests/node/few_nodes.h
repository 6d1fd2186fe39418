#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "adapters/memory/clinician.h"
#include "adapters/memory/clock.h"
#include "adapters/memory/entropy.h"
#include "adapters/memory/log.h"
#include "adapters/memory/openmrs_codec.h"
#include "adapters/memory/openmrs_twin.h"
#include "adapters/memory/store.h"
#include "adapters/memory/store_faulty.h"
#include "node/engine.h"
#include "node/store/facts.h"
#include "protocol/cells.h"
#include "tests/support/catch.h"

namespace omrsync::node {

using std::chrono::milliseconds;

/// What comes back in place of the parent's answer; nothing: the parent is asked.
using Instead = std::function<std::optional<Result<ports::Response>>(const ports::Request&)>;

/// A line without faults of its own: the parent's service answers in the same thread.
class DirectLink final : public ports::ParentLink {
 public:
  DirectLink(ParentService& service, std::string peer, const Instead& instead)
      : service_(service), peer_(std::move(peer)), instead_(instead) {}
  Status send(ports::Request request) override {
    request_ = std::move(request);
    return Done{};
  }
  Result<std::optional<ports::Response>> collect(milliseconds) override {
    if (instead_)
      if (auto answer = instead_(request_)) {
        if (!*answer) return answer->error();
        return std::optional<ports::Response>(std::move(*answer).value());
      }
    return std::optional<ports::Response>(service_.handle({request_.path, request_.body, peer_, ""}, milliseconds(0)));
  }

 private:
  ParentService& service_;
  std::string peer_;
  const Instead& instead_;
  ports::Request request_;
};

inline Uuid node_id(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

struct TestNode {
  memory::ManualClock clock;
  memory::SeededEntropy entropy;
  memory::MemoryStore disk{tables::kAll};
  memory::FaultyStore store{disk};
  memory::OpenmrsTwin openmrs;
  memory::FlatCodec codec;
  memory::RecordingLog log;
  Instead instead;  ///< on both lines to the parent
  std::unique_ptr<Engine> engine;

  explicit TestNode(std::uint8_t number)
      : entropy(number), openmrs(memory::twin_schema(), number, clock), number_(number) {}

  void start(TestNode* parent, bool children) {
    Identity identity;
    identity.node = node_id(number_);
    identity.name = std::string(1, static_cast<char>('a' + number_));
    identity.incarnation = {1, number_};
    std::unique_ptr<ports::ParentLink> push, pull;
    if (parent != nullptr) {
      auto tx = parent->disk.write();
      ChildRecord record;
      record.node = identity.node;
      record.name = identity.name;
      REQUIRE(put_record(**tx, tables::kNodes, to_string(identity.node), record));
      REQUIRE((*tx)->commit());
      push = std::make_unique<DirectLink>(parent->engine->service(), to_string(identity.node), instead);
      pull = std::make_unique<DirectLink>(parent->engine->service(), to_string(identity.node), instead);
    }
    engine = std::make_unique<Engine>(EngineParts{store, openmrs, codec, clock, entropy, log, identity,
                                                  openmrs.changes(), std::move(push), std::move(pull), children});
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
      for (TestNode* each : {&p, &a, &b})
        for (Worker* worker : each->engine->workers()) {
          (void)worker->step({});
          each->clock.advance(milliseconds(50));
        }
  }
};

inline GroupValue cells(std::vector<NamedCell> list) { return encode_cells(std::move(list)); }

inline std::map<GroupName, std::string> rows_of(const memory::OpenmrsTwin& twin, const RootKey& root) {
  std::map<GroupName, std::string> groups;
  if (const auto row = twin.find(root))
    for (const auto& [name, value] : row->groups) groups[name] = value;
  return groups;
}

inline void require_equal(Country& country) {
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

}  // namespace omrsync::node
