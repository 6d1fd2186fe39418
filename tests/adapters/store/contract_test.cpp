// What every Store must do, whatever it is made of.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/adapters/store/worlds.h"

using namespace omrsync;
using namespace omrsync::test;
using namespace std::string_literals;

TEMPLATE_TEST_CASE("a scan gives keys in the order of their unsigned bytes", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  for (const ports::TableName table : {kRows, kBodies}) {
    put_and_commit(world.store(), table,
                   {{"b", "1"}, {"\xFF", "2"}, {"a\0"s, "3"}, {"", "4"}, {"a", "5"}, {"\x80", "6"}});
    const Pairs expected{{"", "4"}, {"a", "5"}, {"a\0"s, "3"}, {"b", "1"}, {"\x80", "6"}, {"\xFF", "2"}};
    CHECK(committed(world.store(), table) == expected);
  }
}

TEMPLATE_TEST_CASE("a range has its lower end and not its upper one", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}});
  const auto reading = must(world.store().read());
  CHECK(scanned(*reading, kRows, "b", "d") == Pairs{{"b", ""}, {"c", ""}});
  CHECK(scanned(*reading, kRows, "c", "") == Pairs{{"c", ""}, {"d", ""}});
  CHECK(scanned(*reading, kRows, "aa", "bb") == Pairs{{"b", ""}});
  CHECK(scanned(*reading, kRows, "b", "b").empty());
  CHECK(scanned(*reading, kRows, "d", "b").empty());
}

TEMPLATE_TEST_CASE("a scan ends at its limit or when the visitor has enough", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", ""}, {"b", ""}, {"c", ""}});
  const auto reading = must(world.store().read());
  CHECK(scanned(*reading, kRows, "", "", 2) == Pairs{{"a", ""}, {"b", ""}});
  CHECK(scanned(*reading, kRows, "", "", 0).empty());
  CHECK(scanned(*reading, kRows, "", "", static_cast<std::size_t>(-1)).size() == 3);
  std::string seen;
  must(reading->scan(kRows, "", "", 100, [&](const ports::Entry& entry) {
    seen += entry.key;
    return entry.key != "b";
  }));
  CHECK(seen == "ab");
  CHECK(scanned(*reading, kRows).size() == 3);
}

TEMPLATE_TEST_CASE("last is the highest entry of the range", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a1", "x"}, {"a2", "y"}, {"b1", "z"}});
  const auto reading = must(world.store().read());
  CHECK(must(reading->last(kRows, "a", "b"))->second == "y");
  CHECK(must(reading->last(kRows, "", ""))->first == "b1");
  CHECK(must(reading->last(kRows, "a2", "a3"))->first == "a2");
  CHECK_FALSE(must(reading->last(kRows, "a3", "b")).has_value());
  CHECK_FALSE(must(reading->last(kRows, "b", "a")).has_value());
  CHECK_FALSE(must(reading->last(kMarks, "", "")).has_value());
}

TEMPLATE_TEST_CASE("a writing transaction sees its own writes", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", "old"}, {"b", "old"}, {"c", "old"}});
  const auto writing = must(world.store().write());
  must(writing->put(kRows, "b", "new"));
  must(writing->put(kRows, "d", "new"));
  must(writing->erase(kRows, "c", ports::after("c")));
  CHECK(must(writing->get(kRows, "b")) == "new");
  CHECK_FALSE(must(writing->get(kRows, "c")).has_value());
  CHECK(scanned(*writing, kRows) == Pairs{{"a", "old"}, {"b", "new"}, {"d", "new"}});
  CHECK(must(writing->last(kRows, "", ""))->first == "d");
}

TEMPLATE_TEST_CASE("what is destroyed without a commit never was", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", "1"}, {"b", "2"}});
  {
    const auto writing = must(world.store().write());
    must(writing->put(kRows, "a", "changed"));
    must(writing->put(kMarks, "m", "made"));
    must(writing->erase(kRows, "b", ""));
  }
  CHECK(committed(world.store(), kRows) == Pairs{{"a", "1"}, {"b", "2"}});
  CHECK(committed(world.store(), kMarks).empty());
  put_and_commit(world.store(), kRows, {{"c", "3"}});
  CHECK(committed(world.store(), kRows) == Pairs{{"a", "1"}, {"b", "2"}, {"c", "3"}});
}

TEMPLATE_TEST_CASE("one commit covers all tables", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  const auto writing = must(world.store().write());
  must(writing->put(kRows, "k", "row"));
  must(writing->put(kBodies, "k", "body"));
  must(writing->commit());
  world.reopen();
  CHECK(committed(world.store(), kRows) == Pairs{{"k", "row"}});
  CHECK(committed(world.store(), kBodies) == Pairs{{"k", "body"}});
  CHECK(committed(world.store(), kMarks).empty());
}

TEMPLATE_TEST_CASE("a reader sees the last commit at its start, whatever is written meanwhile", "[store]",
                   OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", "1"}});
  const auto before = must(world.store().read());  // has looked at nothing yet
  const auto writing = must(world.store().write());
  must(writing->put(kRows, "a", "2"));
  must(writing->put(kRows, "b", "2"));
  const auto during = must(world.store().read());
  must(writing->commit());
  const auto later = must(world.store().read());
  CHECK(scanned(*before, kRows) == Pairs{{"a", "1"}});
  CHECK(scanned(*during, kRows) == Pairs{{"a", "1"}});
  CHECK(scanned(*later, kRows) == Pairs{{"a", "2"}, {"b", "2"}});
  put_and_commit(world.store(), kRows, {{"c", "3"}});
  CHECK(scanned(*before, kRows) == Pairs{{"a", "1"}});
}

TEMPLATE_TEST_CASE("many readers at once keep their views apart", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  std::vector<std::unique_ptr<ports::StoreTransaction>> readers;
  for (int i = 0; i < 8; ++i) {
    readers.push_back(must(world.store().read()));
    put_and_commit(world.store(), kRows, {{std::to_string(i), ""}});
  }
  for (std::size_t i = 0; i < readers.size(); ++i) CHECK(scanned(*readers[i], kRows).size() == i);
}

TEMPLATE_TEST_CASE("empty keys, empty values and NUL bytes are kept as they are", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  const std::string nul("\0x\0", 3);
  for (const ports::TableName table : {kRows, kBodies}) {
    {
      const auto writing = must(world.store().write());
      must(writing->put(table, std::string_view(), std::string_view()));  // null pointers
      must(writing->put(table, nul, nul));
      must(writing->commit());
    }
    world.reopen();
    const auto reading = must(world.store().read());
    CHECK(must(reading->get(table, "")) == "");
    CHECK(must(reading->get(table, nul)) == nul);
    CHECK_FALSE(must(reading->get(table, std::string(1, '\0'))).has_value());
    CHECK(scanned(*reading, table) == Pairs{{"", ""}, {nul, nul}});
  }
}

TEMPLATE_TEST_CASE("a value of 20 MB comes back whole", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  std::string big(20 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 2654435761U >> 13);
  for (const ports::TableName table : {kRows, kBodies}) {
    put_and_commit(world.store(), table, {{"big", big}, {"small", "s"}});
    world.reopen();
    const auto reading = must(world.store().read());
    const auto found = must(reading->get(table, "big"));
    const bool is_equal = found == big;  // not CHECK(a == b), which would print both
    CHECK(is_equal);
    CHECK(must(reading->last(table, "", ""))->second == "s");
  }
}

TEMPLATE_TEST_CASE("erase takes a half-open range, one key, or all, and nothing there is no failure", "[store]",
                   OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", ""}, {"b", ""}, {"b1", ""}, {"c", ""}, {"d", ""}});
  const auto writing = must(world.store().write());
  must(writing->erase(kRows, "b", ports::after("b")));
  CHECK(scanned(*writing, kRows) == Pairs{{"a", ""}, {"b1", ""}, {"c", ""}, {"d", ""}});
  must(writing->erase(kRows, "b", "d"));
  CHECK(scanned(*writing, kRows) == Pairs{{"a", ""}, {"d", ""}});
  must(writing->erase(kRows, "b", "d"));
  must(writing->erase(kRows, "d", "a"));
  CHECK(scanned(*writing, kRows) == Pairs{{"a", ""}, {"d", ""}});
  must(writing->erase(kRows, "", ""));
  CHECK(scanned(*writing, kRows).empty());
}

TEMPLATE_TEST_CASE("put replaces", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  for (const ports::TableName table : {kRows, kBodies}) {
    put_and_commit(world.store(), table, {{"k", "long enough to be shortened"}});
    put_and_commit(world.store(), table, {{"k", "v"}});
    CHECK(committed(world.store(), table) == Pairs{{"k", "v"}});
  }
}

TEMPLATE_TEST_CASE("writers of two threads take turns", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  constexpr int kRounds = 50;
  put_and_commit(world.store(), kRows, {{"count", "0"}});
  const auto count_up = [&] {
    for (int round = 0; round < kRounds; ++round) {
      auto writing = world.store().write();
      if (!writing) return;
      const auto now = (*writing)->get(kRows, "count");
      if (!now || !*now) return;
      if (!(*writing)->put(kRows, "count", std::to_string(std::stoi(**now) + 1))) return;
      if (!(*writing)->commit()) return;
    }
  };
  std::thread first(count_up);
  std::thread second(count_up);
  first.join();
  second.join();
  CHECK(committed(world.store(), kRows) == Pairs{{"count", std::to_string(2 * kRounds)}});
}

TEMPLATE_TEST_CASE("readers of other threads see whole commits only", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  put_and_commit(world.store(), kRows, {{"a", "0"}, {"b", "0"}});
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::thread reader([&] {
    while (!done) {
      auto reading = world.store().read();
      if (!reading) ++torn;
      const auto a = reading ? (*reading)->get(kRows, "a") : Error{Remedy::stop_node, Code::defect, ""};
      const auto b = reading ? (*reading)->get(kRows, "b") : Error{Remedy::stop_node, Code::defect, ""};
      if (!a || !b || *a != *b) ++torn;
    }
  });
  for (int i = 1; i <= 50; ++i)
    put_and_commit(world.store(), kRows, {{"a", std::to_string(i)}, {"b", std::to_string(i)}});
  done = true;
  reader.join();
  CHECK(torn == 0);
}

TEMPLATE_TEST_CASE("misuse is a defect, not a hang and not a guess", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  SECTION("a second writing transaction in the thread that has one") {
    const auto writing = must(world.store().write());
    CHECK(must_fail(world.store().write()).code == Code::defect);
  }
  SECTION("an unknown table") {
    const auto writing = must(world.store().write());
    CHECK(must_fail(writing->get(ports::TableName{"nowhere"}, "k")).code == Code::defect);
  }
  SECTION("writing in a reading transaction") {
    const auto reading = must(world.store().read());
    CHECK(must_fail(reading->put(kRows, "k", "v")).code == Code::defect);
    CHECK(must_fail(reading->erase(kRows, "", "")).code == Code::defect);
    CHECK(must_fail(reading->commit()).code == Code::defect);
  }
  SECTION("use after commit") {
    const auto writing = must(world.store().write());
    must(writing->put(kRows, "k", "v"));
    must(writing->commit());
    CHECK(must_fail(writing->put(kRows, "k", "w")).code == Code::defect);
    CHECK(must_fail(writing->commit()).code == Code::defect);
    CHECK(committed(world.store(), kRows) == Pairs{{"k", "v"}});
  }
}

TEMPLATE_TEST_CASE("a committed transaction that still stands keeps nobody out", "[store]", OMRSYNC_STORE_WORLDS) {
  TestType world;
  const auto first = must(world.store().write());
  must(first->put(kRows, "a", "1"));
  must(first->commit());
  const auto second = must(world.store().write());
  must(second->put(kRows, "b", "2"));
  must(second->commit());
  CHECK(committed(world.store(), kRows).size() == 2);
}
