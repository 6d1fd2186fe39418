#include "adapters/memory/store.h"
#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;

TEST_CASE("a clone has what was committed when it was made", "[store][memory]") {
  memory::MemoryStore store(kTables);
  put_and_commit(store, kRows, {{"a", "1"}});
  const auto writing = must(store.write());
  must(writing->put(kRows, "b", "not yet"));
  const auto clone = store.clone();
  must(writing->commit());
  CHECK(committed(*clone, kRows) == Pairs{{"a", "1"}});
  CHECK(committed(store, kRows).size() == 2);
}

TEST_CASE("a clone may write while its original has a writer", "[store][memory]") {
  memory::MemoryStore store(kTables);
  const auto writing = must(store.write());
  const auto clone = store.clone();
  put_and_commit(*clone, kRows, {{"k", "v"}});
  CHECK(committed(*clone, kRows).size() == 1);
}

TEST_CASE("clones of clones never see one another's writes", "[store][memory]") {
  memory::MemoryStore store(kTables);
  Pairs many;
  for (int i = 100; i < 200; ++i) many.emplace_back(std::to_string(i), "old");
  put_and_commit(store, kRows, many);
  const auto first = store.clone();
  const auto second = first->clone();
  for (int i = 100; i < 200; i += 3) {
    put_and_commit(store, kRows, {{std::to_string(i), "store"}});
    put_and_commit(*first, kRows, {{std::to_string(i), "first"}});
    const auto writing = must(second->write());
    must(writing->erase(kRows, std::to_string(i), ports::after(std::to_string(i))));
    must(writing->commit());
  }
  const auto third = first->clone();
  put_and_commit(*first, kRows, {{"100", "again"}});
  for (int i = 100; i < 200; ++i) {
    const bool is_touched = i % 3 == 1;
    const std::string key = std::to_string(i);
    const auto in = [&](ports::Store& one) { return must(must(one.read())->get(kRows, key)); };
    CHECK(in(store) == (is_touched ? "store" : "old"));
    CHECK(in(*third) == (is_touched ? "first" : "old"));
    CHECK(in(*second).has_value() == !is_touched);
  }
  CHECK(must(must(first->read())->get(kRows, "100")) == "again");
}
