// Random histories of a Store against a std::map.
#include <map>
#include <random>

#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;

namespace {

using Model = std::map<std::string, std::string>;

class History {
 public:
  explicit History(unsigned seed) : chance_(seed) {}

  std::string key() {
    std::string key(pick(4), 'a');
    for (char& c : key) c = static_cast<char>("ab\0\xFF"[pick(4)]);
    return key;
  }

  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(chance_); }

  void step(ports::StoreTransaction& writing, ports::TableName table, Model& model) {
    const std::string low = key();
    const std::string high = key();
    if (pick(10) < 7) {
      const std::string value = std::to_string(pick(1000)) + std::string(pick(20) == 0 ? 3000 : 0, 'v');
      must(writing.put(table, low, value));
      model[low] = value;
    } else {
      must(writing.erase(table, low, high));
      std::erase_if(model,
                    [&](const auto& entry) { return entry.first >= low && (high.empty() || entry.first < high); });
    }
  }

  void compare(ports::StoreTransaction& transaction, ports::TableName table, const Model& model) {
    const std::string low = key();
    const std::string high = key();
    Pairs expected;
    for (const auto& [k, v] : model)
      if (k >= low && (high.empty() || k < high)) expected.emplace_back(k, v);
    CHECK(scanned(transaction, table, low, high) == expected);
    const auto last = must(transaction.last(table, low, high));
    CHECK(last.has_value() == !expected.empty());
    if (last && !expected.empty()) CHECK(*last == expected.back());
    const auto got = must(transaction.get(table, low));
    CHECK(got.has_value() == model.contains(low));
    if (got && model.contains(low)) CHECK(*got == model.at(low));
  }

 private:
  std::mt19937 chance_;
};

}  // namespace

TEMPLATE_TEST_CASE("a random history leaves what a map would have", "[store]", OMRSYNC_STORE_WORLDS) {
  const unsigned seed = GENERATE(range(1U, 9U));
  CAPTURE(seed);
  History history(seed);
  TestType world;
  const ports::TableName table = seed % 2 == 0 ? kRows : kBodies;
  Model model;
  for (int transaction = 0; transaction < 40; ++transaction) {
    Model next = model;
    {
      const auto writing = must(world.store().write());
      for (std::size_t i = history.pick(12); i > 0; --i) {
        history.step(*writing, table, next);
        history.compare(*writing, table, next);
      }
      if (history.pick(4) > 0) {
        must(writing->commit());
        model = next;
      }
    }
    if (history.pick(10) == 0) world.reopen();
    const auto reading = must(world.store().read());
    history.compare(*reading, table, model);
    CHECK(scanned(*reading, table) == Pairs(model.begin(), model.end()));
  }
}
