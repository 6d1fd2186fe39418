#include "adapters/memory/store.h"
#include "node/ship/offer.h"
#include "node/store/facts.h"
#include "tests/support/catch.h"

using namespace omrsync;

namespace {

struct HeldSet {
  memory::MemoryStore store{node::tables::kAll};

  explicit HeldSet(const std::vector<RootKey>& missing) {
    auto tx = store.write();
    node::InboxItem item;
    item.state = node::InboxItem::State::held;
    item.waits_for = missing;
    for (const RootKey& root : missing)
      REQUIRE((*tx)->put(node::tables::kWaits, node::tables::root_and(root, "k"), ""));
    REQUIRE(node::put_record(**tx, node::tables::kInbox, "k", item));
    REQUIRE((*tx)->commit());
  }

  void arrives(const RootKey& root, const std::vector<GroupName>& groups) {
    auto tx = store.write();
    REQUIRE(node::release_waiting(**tx, root));
    for (const GroupName& group : groups) REQUIRE(node::release_waiting_for_owned(**tx, group));
    REQUIRE((*tx)->commit());
  }

  bool held() {
    auto tx = store.read();
    const auto item = node::get_record<node::InboxItem>(**tx, node::tables::kInbox, "k");
    return (**item).state == node::InboxItem::State::held;
  }
};

}  // namespace

TEST_CASE("a set that waits for a row which another root owns goes on when that root brings the row") {
  HeldSet set(std::vector<RootKey>{{"concept_name", "n1"}});
  set.arrives({"concept", "c1"}, {"row", "life", "concept_name/n2", "concept_name/n2#life"});
  CHECK(set.held());
  set.arrives({"concept", "c1"}, {"row", "life", "concept_name/n1", "concept_name/n1#life"});
  CHECK_FALSE(set.held());
}

TEST_CASE("D8: a held set is looked at again whenever something that it waits for comes: the rest may close a cycle") {
  HeldSet set(std::vector<RootKey>{{"location", "l1"}, {"concept_name", "n1"}});
  set.arrives({"location", "l2"}, {"row"});
  CHECK(set.held());
  set.arrives({"location", "l1"}, {"row"});
  CHECK_FALSE(set.held());
}
