// Between ledger row, database content, whole state and wire entry nothing is lost.
#include "node/ledger/state.h"

#include "adapters/memory/openmrs_codec.h"
#include "tests/node/ledger/random_states.h"
#include "tests/support/result.h"

using namespace omrsync;
using namespace omrsync::test;
using node::LedgerRow;

namespace {

const RootKey kRoot{"person", "00000000-0000-4000-8000-000000000001"};
const node::LoadDots kDots{std::array<std::uint8_t, 16>{1, 2, 3}};

/// A database that holds one sibling of each group, the shown one mostly; of a purged root nothing.
struct Held {
  std::map<GroupName, Dot> standing;
  ports::RootContent content;
};

Held hold(const RootState& state, RandomStates& random) {
  Held held;
  const auto life = state.groups.find(kLifeGroup);
  const auto shown_of = [](const Group& group) {
    for (const Sibling& s : group.siblings)
      if (s.dot == group.shown) return s;
    return group.siblings.front();
  };
  const bool purged = life == state.groups.end() || !shown_of(life->second).value;
  for (const auto& [name, group] : state.groups) {
    Sibling s = shown_of(group);
    if (random.pick(5) == 0) s = group.siblings[random.pick(group.siblings.size())];
    if (purged && name != kLifeGroup) continue;
    if (purged) s = shown_of(group);
    held.standing[name] = s.dot;
    if (s.value) held.content.groups[name] = {*s.value, 0};
  }
  return held;
}

std::string text_of(const RootState& state) {
  std::string text;
  for (const auto& [actor, sequence] : state.context.highest) text += to_string(Dot{actor, sequence}) + " ";
  for (const auto dot : state.context.load_dots) text += to_string(Dot{{}, dot}) + " ";
  for (const auto& [name, group] : state.groups) {
    text += "\n  " + name + ":";
    for (const Sibling& s : group.siblings)
      text += " " + to_string(s.dot) + (s.dot == group.shown ? "*" : "") + "=" + s.value.value_or("(none)");
  }
  return text;
}

}  // namespace

TEST_CASE("what arrives is the state that was sent", "[T2][ledger]") {
  const memory::FlatCodec codec;
  const unsigned seed = GENERATE(range(1u, 1501u));
  RandomStates random(seed, kRoot, kDots);
  for (int i = 0; i < 6; ++i) {
    random.play(5);
    const RootState& state = random.any();
    if (state.groups.empty()) continue;
    Envelope envelope;
    envelope.number = envelope.through = 1;
    envelope.set = {actor_of(1), 1 + random.pick(8)};
    if (random.pick(2)) envelope.author = "author0";
    if (random.pick(2)) envelope.stamp.at_ms = static_cast<std::int64_t>(envelope.set.sequence);
    envelope.entries.push_back(must(node::entry_of(kRoot, state, codec, kDots)));
    const Envelope came = must(decode_envelope(encode_envelope(envelope)));
    const RootState there = must(node::state_of(came.entries.front(), codec, kDots));
    INFO("seed " << seed << "\nsent " << text_of(state) << "\ncame " << text_of(there));
    REQUIRE(there == state);
  }
}

TEST_CASE("ledger row and database content together are the state that was remembered", "[ledger]") {
  const unsigned seed = GENERATE(range(1u, 1501u));
  RandomStates random(seed, kRoot, kDots);
  for (int i = 0; i < 6; ++i) {
    random.play(5);
    const RootState& state = random.any();
    if (state.groups.empty()) continue;
    const Held held = hold(state, random);
    LedgerRow written;
    node::remember(written, state, held.standing);
    const LedgerRow row = must(node::decode_ledger_row(encode(written)));
    const RootState there = node::materialise(&row, node::standing_groups(kRoot, &row, held.content, kDots));
    INFO("seed " << seed << "\nwas " << text_of(state) << "\nis " << text_of(there));
    REQUIRE(there == state);
  }
}

TEST_CASE("a repair is due exactly where a shown dot is not the standing one", "[ledger]") {
  RootState state;
  conflict::write(state, kLifeGroup, {{actor_of(1), 1}, "", {}, "alive"}, nullptr);
  conflict::write(state, "gender", {{actor_of(1), 1}, "", {}, "F"}, nullptr);
  conflict::write(state, "gender", {{actor_of(2), 1}, "", {}, "M"}, nullptr);
  const Dot one{actor_of(1), 1}, two{actor_of(2), 1};
  LedgerRow row;
  node::remember(row, state, {{kLifeGroup, one}, {"gender", two}});
  CHECK(row.as_database);
  node::remember(row, state, {{kLifeGroup, one}, {"gender", one}});
  CHECK_FALSE(row.as_database);
}

TEST_CASE("a root that nobody met stands as loaded, equal content under equal dots") {
  ports::RootContent content;
  content.groups[kLifeGroup] = {"alive", 1};
  content.groups["gender"] = {"F", 2};
  const RootState here = node::materialise(nullptr, node::standing_groups(kRoot, nullptr, content, kDots));
  content.groups["gender"].hash = 77;  // another node's key
  const RootState there = node::materialise(nullptr, node::standing_groups(kRoot, nullptr, content, kDots));
  CHECK(here == there);
  CHECK(conflict::join(here, there, conflict::ShownBy::mine) == here);
  content.groups["gender"].value = "M";
  const RootState unequal = node::materialise(nullptr, node::standing_groups(kRoot, nullptr, content, kDots));
  CHECK(conflict::join(here, unequal, conflict::ShownBy::mine).groups.at("gender").siblings.size() == 2);
}

TEST_CASE("the short way of a root that nobody met says what the long way says") {
  const memory::FlatCodec codec;
  const unsigned seed = GENERATE(range(1u, 201u));
  RandomStates random(seed, kRoot, kDots);
  random.play(10);
  ports::RootContent content = hold(random.any(), random).content;
  content.groups[kLifeGroup] = {"there", 5};
  const auto long_way = must(node::entry_of(
      kRoot, node::materialise(nullptr, node::standing_groups(kRoot, nullptr, content, kDots)), codec, kDots));
  const auto short_way = must(node::entry_as_loaded(kRoot, content, codec));
  Envelope one, other;
  one.entries.push_back(long_way);
  other.entries.push_back(short_way);
  CHECK(encode_envelope(one) == encode_envelope(other));
}

TEST_CASE("a ledger row cut short is damage, not a shorter row") {
  RootState state;
  conflict::write(state, kLifeGroup, {{actor_of(1), 1}, "somebody", {5, 6, true}, "alive"}, nullptr);
  conflict::write(state, "gender", {{actor_of(2), 1}, "somebody", {}, "F"}, nullptr);
  LedgerRow row;
  node::remember(row, state, {});
  row.changed_file = "log.000001";
  row.replaced.push_back({"gender", 7, 8, true});
  const std::string bytes = encode(row);
  CHECK(encode(must(node::decode_ledger_row(bytes))) == bytes);
  std::size_t refused = 0;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    const auto read = node::decode_ledger_row(bytes.substr(0, cut));
    if (!read) ++refused;
    if (read) CHECK(encode(*read) != bytes);
  }
  CHECK(refused > bytes.size() / 2);
}
