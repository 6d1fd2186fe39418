#include "adapters/memory/store_faulty.h"
#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;
using memory::FaultyStore;
using memory::StoreFault;

namespace {

/// Two puts and a commit: four operations with the beginning. The first failure, if any.
std::optional<Error> work(ports::Store& store, const std::string& key) {
  auto writing = store.write();
  if (!writing) return writing.error();
  for (const char* suffix : {"1", "2"}) {
    if (auto put = (*writing)->put(kRows, key + suffix, "v"); !put) return put.error();
  }
  if (auto commit = (*writing)->commit(); !commit) return commit.error();
  return std::nullopt;
}

}  // namespace

TEST_CASE("the planned operation fails and nothing of its transaction is kept", "[store][memory]") {
  memory::MemoryStore inner(kTables);
  FaultyStore store(inner);
  const std::uint64_t at = GENERATE(1U, 2U, 3U, 4U);
  CAPTURE(at);
  StoreFault fault;
  fault.in = at;
  store.plan(fault);
  const auto failed = work(store, "a");
  REQUIRE(failed.has_value());
  CHECK(failed->code == Code::disk_full);
  CHECK(store.operations() == at);
  CHECK(committed(inner, kRows).empty());
  CHECK_FALSE(work(store, "b").has_value());
  CHECK(committed(inner, kRows).size() == 2);
}

TEST_CASE("a commit that fails after its effect is durable", "[store][memory]") {
  memory::MemoryStore inner(kTables);
  FaultyStore store(inner);
  StoreFault fault;
  fault.counting = StoreFault::Counting::commits;
  fault.in = 2;
  fault.when = StoreFault::When::after_effect;
  fault.error = Error{Remedy::look_first, Code::store_busy, "planned"};
  store.plan(fault);
  CHECK_FALSE(work(store, "a").has_value());
  CHECK(work(store, "b")->remedy == Remedy::look_first);
  CHECK(committed(inner, kRows).size() == 4);
  CHECK(store.commits() == 2);
}

TEST_CASE("a lasting fault strikes until it is healed", "[store][memory]") {
  memory::MemoryStore inner(kTables);
  FaultyStore store(inner);
  StoreFault fault;
  fault.counting = StoreFault::Counting::commits;
  fault.lasting = true;
  store.plan(fault);
  CHECK(work(store, "a").has_value());
  CHECK(work(store, "b").has_value());
  CHECK_FALSE(store.read().has_value());
  store.heal();
  CHECK_FALSE(work(store, "c").has_value());
  CHECK(committed(inner, kRows).size() == 2);
}

TEST_CASE("a transaction that failed answers nothing but a defect", "[store][memory]") {
  memory::MemoryStore inner(kTables);
  FaultyStore store(inner);
  const auto writing = must(store.write());
  store.plan(StoreFault{});
  CHECK(must_fail(writing->put(kRows, "k", "v")).code == Code::disk_full);
  CHECK(must_fail(writing->commit()).code == Code::defect);
  CHECK(committed(inner, kRows).empty());
}
