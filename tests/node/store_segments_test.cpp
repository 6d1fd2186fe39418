#include <map>
#include <random>
#include <set>

#include "adapters/memory/store.h"
#include "node/ledger/local.h"
#include "node/store/facts.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

template <typename T>
T must(Result<T> result) {
  REQUIRE(result);
  return std::move(result).value();
}

std::string uuid_of(std::uint64_t number) {
  std::mt19937_64 random(number);
  Uuid uuid;
  for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(random());
  return to_string(uuid);
}

RootKey root_of(std::uint64_t number) {
  return {"obs", number % 10 == 0 ? "name|" + std::to_string(number) : uuid_of(number)};
}

const LoadDots kDots({7, 7, 7});

ports::RootContent content_of(std::uint64_t number) {
  ports::RootContent content;
  const auto add = [&](const GroupName& name) {
    content.groups[name] = {std::to_string(number), number * 31 + name.size()};
  };
  add("life");
  add("value");
  if (number % 3 == 0) add("obs_reference_range/" + uuid_of(number + 1'000'000) + "#range");
  if (number % 7 == 0) add("obs_reference_range/" + uuid_of(number + 2'000'000));
  return content;
}

LedgerRow row_of(std::uint64_t number) { return met(root_of(number), content_of(number), kDots); }

MetRoot met_root(std::uint64_t number) { return pack_met(root_of(number), content_of(number), kDots); }

struct Store {
  std::unique_ptr<ports::Store> store = std::make_unique<memory::MemoryStore>(tables::kAll);
  std::unique_ptr<ports::StoreTransaction> write() { return must(store->write()); }
};

std::string encoded(const std::optional<LedgerRow>& row) { return row ? encode(*row) : "none"; }

/// Everything that is to be there, and nothing else.
void check_all(ports::StoreTransaction& tx, std::uint64_t count) {
  for (std::uint64_t n = 1; n <= count; ++n) REQUIRE(encoded(must(ledger_row(tx, root_of(n)))) == encode(row_of(n)));
  for (std::uint64_t n = count + 1; n <= count + 50; ++n) REQUIRE_FALSE(must(ledger_row(tx, root_of(n))));
  std::set<RootKey> wanted, found;
  for (std::uint64_t n = 1; n <= count; ++n) wanted.insert(root_of(n));
  std::string after;
  for (;;) {
    const auto some = must(ledger_roots(tx, "obs", after, 33));
    if (some.empty()) break;
    for (const RootKey& root : some) REQUIRE(found.insert(root).second);
    after = tables::root_bytes(some.back());
  }
  REQUIRE(found == wanted);
}

}  // namespace

TEST_CASE("a root that a load met is found as it was met, however many runs and merges there were") {
  for (const std::uint64_t step : {1U, 7U, 100U, 300U}) {
    Store store;
    std::uint64_t count = 0;
    for (int run = 0; run < 40; ++run) {
      const auto tx = store.write();
      std::vector<MetRoot> roots;
      for (std::uint64_t i = 0; i < step; ++i) roots.push_back(met_root(++count));
      REQUIRE(add_segment(*tx, "obs", 5, std::move(roots)));
      REQUIRE(tx->commit());
    }
    auto tx = store.write();
    check_all(*tx, count);
    while (must(tidy_segments(*tx, 13))) {
      if (step <= 7) check_all(*tx, count);  // in the middle of a merge, too
    }
    check_all(*tx, count);
    REQUIRE_FALSE(must(has_own_rows(*tx, "obs")));
    REQUIRE(must(has_segments(*tx, "obs")));
    REQUIRE_FALSE(must(has_segments(*tx, "person")));
    REQUIRE(must(count_range(*tx, tables::kSegments, "", "")) <= count / 64 + count / 13 + 2);
  }
}

TEST_CASE("a merge that is interrupted at any place loses nothing") {
  Store store;
  auto tx = store.write();
  for (std::uint64_t run = 0; run < 3; ++run) {
    std::vector<MetRoot> roots;
    for (std::uint64_t n = run + 1; n <= 300; n += 3) roots.push_back(met_root(n));
    REQUIRE(add_segment(*tx, "obs", 0, std::move(roots)));
  }
  std::mt19937 random(3);
  while (must(tidy_segments(*tx, 1 + random() % 40))) check_all(*tx, 300);
  check_all(*tx, 300);
}

TEST_CASE("a root that changed has a row of its own, which wins; one that is forgotten was never met") {
  Store store;
  auto tx = store.write();
  std::vector<MetRoot> roots;
  for (std::uint64_t n = 1; n <= 200; ++n) roots.push_back(met_root(n));
  REQUIRE(add_segment(*tx, "obs", 0, std::move(roots)));
  REQUIRE(put_ledger_row(*tx, root_of(4), row_of(999)));
  REQUIRE(put_ledger_row(*tx, root_of(777), row_of(777)));
  REQUIRE(encoded(must(ledger_row(*tx, root_of(4)))) == encode(row_of(999)));
  REQUIRE(forget_ledger_row(*tx, root_of(5)));
  REQUIRE_FALSE(must(ledger_row(*tx, root_of(5))));
  std::set<RootKey> found;
  std::string after;
  for (auto some = must(ledger_roots(*tx, "obs", after, 10)); !some.empty();
       some = must(ledger_roots(*tx, "obs", after, 10))) {
    found.insert(some.begin(), some.end());
    after = tables::root_bytes(some.back());
  }
  REQUIRE(found.size() == 200);
  REQUIRE(found.contains(root_of(777)));
  REQUIRE_FALSE(found.contains(root_of(5)));
}

TEST_CASE("what a walk wrote itself is not looked for ahead of it, what others wrote is") {
  Store store;
  auto tx = store.write();
  const WalkId one = walk_of("one"), other = walk_of("other");
  REQUIRE(add_segment(*tx, "obs", one, {met_root(1)}));
  REQUIRE(add_segment(*tx, "obs", other, {met_root(2)}));
  REQUIRE_FALSE(must(ledger_row(*tx, root_of(1), one)));
  REQUIRE(must(ledger_row(*tx, root_of(2), one)));
  while (must(tidy_segments(*tx, 10))) {
  }
  REQUIRE(must(ledger_row(*tx, root_of(1), one)));
  REQUIRE(must(ledger_row(*tx, root_of(2), one)));
}

TEST_CASE("a segment whose bytes were damaged is refused") {
  Store store;
  auto tx = store.write();
  std::vector<MetRoot> roots;
  for (std::uint64_t n = 1; n <= 60; ++n) roots.push_back(met_root(n));
  REQUIRE(add_segment(*tx, "obs", 0, std::move(roots)));
  std::string key, page;
  REQUIRE(tx->scan(tables::kSegments, "", "", 1, [&](const ports::Entry& entry) {
    key = entry.key;
    page = entry.value;
    return false;
  }));
  REQUIRE(tx->put(tables::kSegments, key, page.substr(0, page.size() - 3)));
  bool refused = false;
  for (std::uint64_t n = 1; n <= 60; ++n) {
    const auto row = ledger_row(*tx, root_of(n));
    if (!row && row.error().code == Code::store_damaged) refused = true;
  }
  REQUIRE(refused);
}
