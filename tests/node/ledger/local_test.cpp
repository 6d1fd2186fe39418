// What the log shows of local writes, against a naive model: the whole state, written to by conflict::write.
#include "node/ledger/local.h"

#include "tests/node/ledger/random_states.h"
#include "tests/support/result.h"

using namespace omrsync;
using namespace omrsync::test;
using node::LedgerRow;
using ports::RootChange;

namespace {

const RootKey kRoot{"person", "00000000-0000-4000-8000-000000000001"};
const node::LoadDots kDots{std::array<std::uint8_t, 16>{1, 2, 3}};

std::uint64_t hash_of(const GroupValue& value) { return std::hash<std::string>{}(value) | 1; }

/// One root in a database, as its log shows it.
struct Database {
  std::map<GroupName, GroupValue> groups;

  [[nodiscard]] ports::RootContent content() const {
    ports::RootContent content;
    for (const auto& [name, value] : groups) content.groups[name] = {value, hash_of(value)};
    return content;
  }

  /// `after` replaces the rows; none of it left: purged.
  RootChange change_to(std::map<GroupName, GroupValue> after) {
    RootChange change;
    change.root = kRoot;
    if (groups.empty()) change.kind = RootChange::Kind::created;
    if (after.empty()) change.kind = RootChange::Kind::purged;
    std::map<GroupName, ports::GroupChange> changes;
    for (const auto& [name, value] : groups) {
      changes[name].before = hash_of(value);
      changes[name].before_value = value;
    }
    for (const auto& [name, value] : after) {
      changes[name].after = hash_of(value);
      changes[name].after_value = value;
    }
    for (auto& [name, each] : changes) {
      each.group = name;
      if (each.before != each.after) change.groups.push_back(each);
    }
    groups = std::move(after);
    return change;
  }
};

std::map<GroupName, GroupValue> some_groups(std::mt19937_64& random, const std::map<GroupName, GroupValue>& before) {
  auto after = before;
  after[kLifeGroup];
  for (const char* name : {"life", "gender", "birthdate", "person_name/a", "person_name/b"})
    if (random() % 3 == 0) after[name] = std::string(1, static_cast<char>('a' + random() % 3));
  if (random() % 4 == 0) after.erase("person_name/a");
  if (random() % 8 == 0 && !before.empty()) after.clear();
  return after;
}

RootState state_here(const std::optional<LedgerRow>& row, const Database& database) {
  const LedgerRow* known = row ? &*row : nullptr;
  std::vector<node::StandingGroup> standing;
  if (!database.groups.empty()) standing = node::standing_groups(kRoot, known, database.content(), kDots);
  return node::materialise(known, standing);
}

/// The same by the book.
void write_by_hand(RootState& state, const RootChange& change, const Dot& dot) {
  const auto seen_of = [&](const GroupName& name) -> std::optional<Dot> {
    const auto group = state.groups.find(name);
    if (group == state.groups.end()) return std::nullopt;
    return group->second.shown;  // without repairs due, what is shown stands in the database
  };
  if (change.kind == RootChange::Kind::purged) {
    state.context.add(dot);
    const auto life = seen_of(kLifeGroup);
    for (auto group = state.groups.begin(); group != state.groups.end();) {
      if (group->first == kLifeGroup) {
        ++group;
        continue;
      }
      const Dot shown = group->second.shown;
      std::erase_if(group->second.siblings, [&](const Sibling& s) { return s.dot == shown; });
      if (!group->second.siblings.empty()) group->second.shown = group->second.siblings.front().dot;
      group = group->second.siblings.empty() ? state.groups.erase(group) : std::next(group);
    }
    conflict::write(state, kLifeGroup, {dot, "u", {}, std::nullopt}, life ? &*life : nullptr);
    return;
  }
  for (const ports::GroupChange& group : change.groups) {
    const auto seen = seen_of(group.group);
    conflict::write(state, group.group, {dot, "u", {}, group.after_value}, seen ? &*seen : nullptr);
  }
}

}  // namespace

TEST_CASE("the ledger after local writes is the state that the writes make", "[ledger]") {
  const unsigned seed = GENERATE(range(1u, 1001u));
  std::mt19937_64 random(seed);
  Database database;
  std::optional<LedgerRow> row;
  if (random() % 2) database.groups = some_groups(random, {});
  RootState by_hand = state_here(row, database);
  for (std::uint64_t i = 1; i < 12; ++i) {
    const RootChange change = database.change_to(some_groups(random, database.groups));
    if (change.groups.empty()) continue;
    const Dot dot{actor_of(1), i};
    (void)node::take_local(kRoot, row, change, {dot, "u", {}, 0, {"log", i, "", 0}}, kDots);
    row = must(node::decode_ledger_row(encode(*row)));
    write_by_hand(by_hand, change, dot);
    INFO("seed " << seed << " write " << i);
    REQUIRE(state_here(row, database) == by_hand);
    std::optional<LedgerRow> looked = row;
    const ports::RootContent content = database.content();
    REQUIRE_FALSE(node::unlogged_change(kRoot, looked, database.groups.empty() ? nullptr : &content, kDots));
    if (database.groups.empty() && random() % 2) break;
  }
}

TEST_CASE("R2, R9: a local write takes the place of what stood and of its own value, and of nothing else") {
  Database database{{{kLifeGroup, "alive"}, {"gender", "M"}}};
  RootState state;
  const Dot one{actor_of(2), 1}, two{actor_of(3), 1}, three{actor_of(4), 1};
  conflict::write(state, kLifeGroup, {one, "", {}, "alive"}, nullptr);
  conflict::write(state, "gender", {three, "", {}, "F"}, nullptr);
  conflict::write(state, "gender", {two, "", {}, "U"}, nullptr);
  conflict::write(state, "gender", {one, "", {}, "M"}, nullptr);
  LedgerRow remembered;
  node::remember(remembered, state, {{kLifeGroup, one}, {"gender", one}});
  remembered.hashes = {{kLifeGroup, hash_of("alive")}, {"gender", hash_of("M")}};
  std::optional<LedgerRow> row = remembered;
  const RootChange change = database.change_to({{kLifeGroup, "alive"}, {"gender", "F"}});
  const auto effect = node::take_local(kRoot, row, change, {{actor_of(1), 7}, "u", {}, 0, {}}, kDots);
  const Group& gender = row->groups.at("gender").group;
  REQUIRE(gender.siblings.size() == 2);
  CHECK(gender.shown == Dot{actor_of(1), 7});
  CHECK(std::count_if(gender.siblings.begin(), gender.siblings.end(), [&](const auto& s) { return s.dot == two; }) ==
        1);
  CHECK(effect.conflicts == std::vector<GroupName>{"gender"});
}

TEST_CASE("what the database holds and no log showed becomes a change against the ledger") {
  Database database{{{kLifeGroup, "alive"}, {"gender", "M"}}};
  std::optional<LedgerRow> row;
  (void)node::take_local(kRoot, row, Database{}.change_to(database.groups), {{actor_of(1), 1}, "u", {}, 0, {}}, kDots);
  database.groups["gender"] = "F";
  database.groups["person_name/a"] = "x";
  database.groups.erase("birthdate");
  const auto content = database.content();
  const auto change = node::unlogged_change(kRoot, row, &content, kDots);
  REQUIRE(change);
  REQUIRE(change->groups.size() == 2);
  CHECK(change->groups[0].group == "gender");
  CHECK(change->groups[0].before == hash_of("M"));
  CHECK(change->groups[0].after == hash_of("F"));
  const auto gone = node::unlogged_change(kRoot, row, nullptr, kDots);
  REQUIRE(gone);
  CHECK(gone->kind == RootChange::Kind::purged);
}

TEST_CASE("a loaded value that stays beside a local write is one that the context has seen") {
  Database database{{{kLifeGroup, "alive"}, {"gender", "M"}}};
  std::optional<LedgerRow> row;
  row.emplace();
  row->loaded = true;
  row->hashes = {{kLifeGroup, hash_of("alive")}, {"gender", hash_of("M")}};
  row->replaced.push_back({"gender", hash_of("U"), 1000, true});
  (void)node::take_local(kRoot, row, database.change_to({{kLifeGroup, "alive"}, {"gender", "F"}}),
                         {{actor_of(1), 1}, "u", {}, 2000, {}}, kDots);
  const RootState state = state_here(row, database);
  REQUIRE(state.groups.at("gender").siblings.size() == 2);
  for (const Sibling& s : state.groups.at("gender").siblings) CHECK(state.context.covers(s.dot));
}

TEST_CASE("R21: a stale save of a row that was never listed leaves ours shown") {
  Database database;
  std::optional<LedgerRow> row;
  const Dot ours{actor_of(2), 1};
  (void)node::take_local(kRoot, row,
                         database.change_to({{kLifeGroup, "alive"}, {"gender", "U"}, {"birthdate", "1985"}}),
                         {ours, "u", {}, 1000, {}}, kDots);
  row->replaced.push_back({"birthdate", hash_of("1990"), 1000, true});
  const RootChange save = database.change_to({{kLifeGroup, "alive"}, {"gender", "F"}, {"birthdate", "1990"}});
  const auto effect = node::take_local(kRoot, row, save, {{actor_of(1), 1}, "u", {}, 2000, {}}, kDots);
  CHECK(effect.put_back == std::vector<GroupName>{"birthdate"});
  const node::LedgerGroup& birthdate = row->groups.at("birthdate");
  REQUIRE(birthdate.group.siblings.size() == 1);
  CHECK(birthdate.group.shown == ours);
  CHECK(birthdate.group.siblings.front().value == "1985");
  CHECK_FALSE(birthdate.standing.has_value());
  CHECK_FALSE(row->as_database);
}

TEST_CASE("R22: a form older than a colleague's write and our apply says nothing of what it brings back") {
  Database database;
  std::optional<LedgerRow> row;
  const auto write = [&](const RootChange& change, std::uint64_t dot, std::int64_t at) {
    return node::take_local(kRoot, row, change, {{actor_of(1), dot}, "u", {}, at, {}}, kDots);
  };
  (void)write(database.change_to({{kLifeGroup, "alive"}, {"gender", "M"}, {"birthdate", "v0"}}), 1, 1000);
  (void)write(database.change_to({{kLifeGroup, "alive"}, {"gender", "M"}, {"birthdate", "v1"}}), 2, 2000);
  // Ours replaces v1 by v2.
  (void)write(database.change_to({{kLifeGroup, "alive"}, {"gender", "M"}, {"birthdate", "v2"}}), 3, 3000);
  node::note_replaced(*row, "birthdate", hash_of("v1"), 3000, true);
  const auto effect = write(database.change_to({{kLifeGroup, "alive"}, {"gender", "F"}, {"birthdate", "v0"}}), 4, 4000);
  CHECK(effect.put_back == std::vector<GroupName>{"birthdate"});
  const auto& siblings = row->groups.at("birthdate").group.siblings;
  REQUIRE(siblings.size() == 1);
  CHECK(siblings.front().value == "v2");
}
