#pragma once

#include "adapters/memory/store.h"
#include "node/store/facts.h"
#include "tests/support/catch.h"

namespace omrsync::admin {

inline Uuid uuid_of(std::uint8_t number) {
  Uuid uuid;
  uuid.bytes.fill(number);
  return uuid;
}

/// A parent's store with one child and whatever a test puts in.
struct SampleStore {
  memory::MemoryStore store{node::tables::kAll};
  Actor self{uuid_of(1), {1, 77}};
  Actor child{uuid_of(2), {3, 99}};

  SampleStore() {
    write([&](ports::StoreTransaction& tx) {
      node::Identity identity;
      identity.node = self.node;
      identity.name = "hq";
      identity.incarnation = self.incarnation;
      REQUIRE(node::put_identity(tx, identity));
      node::ChildRecord record;
      record.node = child.node;
      record.name = "kitale";
      REQUIRE(node::put_record(tx, node::tables::kNodes, to_string(child.node), record));
    });
  }

  template <typename F>
  void write(F&& use) {
    auto tx = store.write();
    REQUIRE(tx);
    use(**tx);
    REQUIRE((*tx)->commit());
  }

  std::unique_ptr<ports::StoreTransaction> read() { return std::move(store.read().value()); }

  /// A set that came in from the child under `number`; returns its inbox key.
  std::string arrive(std::uint64_t number, node::InboxItem::State state, Code code = Code::defect,
                     std::uint32_t part = 0) {
    const std::string key = node::link_key(to_string(child.node), number, part);
    write([&](ports::StoreTransaction& tx) {
      node::InboxItem item;
      item.state = state;
      item.set = {child, number + 100};
      item.since_ms = 1'700'000'000'000;
      item.code = state == node::InboxItem::State::waiting ? 0 : static_cast<std::uint32_t>(code);
      item.roots = {{"person", "p" + std::to_string(number)}};
      if (state == node::InboxItem::State::held) {
        item.waits_for = {{"encounter", "e1"}};
        REQUIRE(tx.put(node::tables::kWaits, node::tables::root_and(item.waits_for[0], key), ""));
        REQUIRE(tx.put(node::tables::kBrings, node::tables::root_and(item.roots[0], key), ""));
      }
      REQUIRE(node::put_record(tx, node::tables::kInbox, key, item));
      REQUIRE(tx.put(node::tables::kInboxBody, key, "body"));
    });
    return key;
  }

  std::size_t rows(ports::TableName table) {
    return static_cast<std::size_t>(*node::count_range(*read(), table, "", ""));
  }
};

}  // namespace omrsync::admin
