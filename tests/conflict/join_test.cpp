#include "conflict/join.h"

#include <random>

#include "tests/support/catch.h"

using namespace omrsync;
using conflict::join;
using conflict::ShownBy;

namespace {

Actor actor(std::uint8_t number) {
  Actor a;
  a.node.bytes[15] = number;
  a.incarnation = {1, number};
  return a;
}

/// A few replicas that write and join at random, so that every state in a triple can really occur.
class Replicas {
 public:
  explicit Replicas(unsigned seed) : random_(seed), states_(4) {}

  void play(int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::size_t at = pick(states_.size());
      if (pick(3) == 0) {
        states_[at] = join(states_[at], states_[pick(states_.size())], pick(2) ? ShownBy::mine : ShownBy::theirs);
      } else {
        write(at);
      }
    }
  }

  const RootState& any() { return states_[pick(states_.size())]; }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }

  void write(std::size_t at) {
    static const std::array<GroupName, 4> kNames{"gender", "birthdate", "person_name/a", kLifeGroup};
    const GroupName& name = kNames[pick(kNames.size())];
    Sibling s;
    s.dot = pick(8) == 0 ? Dot{{}, random_()} : Dot{actor(static_cast<std::uint8_t>(at + 1)), ++sequence_[at]};
    if (pick(6) != 0) s.value = std::string(1, static_cast<char>('a' + pick(3)));
    const auto group = states_[at].groups.find(name);
    std::optional<Dot> seen;
    if (group != states_[at].groups.end()) seen = group->second.siblings[pick(group->second.siblings.size())].dot;
    conflict::write(states_[at], name, s, seen ? &*seen : nullptr);
  }

  std::mt19937_64 random_;
  std::vector<RootState> states_;
  std::array<std::uint64_t, 4> sequence_{};
};

/// Contexts and siblings; the choice of `shown` is the tree's, not the algebra's.
RootState bare(RootState state) {
  for (auto& [name, group] : state.groups) group.shown = {};
  return state;
}

}  // namespace

TEST_CASE("T2: the join is commutative, associative and idempotent on contexts and siblings", "[T2][I4]") {
  const unsigned seed = GENERATE(range(1u, 2001u));
  Replicas replicas(seed);
  for (int i = 0; i < 10; ++i) {
    replicas.play(12);
    const RootState a = replicas.any(), b = replicas.any(), c = replicas.any();
    INFO("seed " << seed << ", triple " << i);
    REQUIRE(bare(join(a, b, ShownBy::mine)) == bare(join(b, a, ShownBy::mine)));
    REQUIRE(bare(join(join(a, b, ShownBy::mine), c, ShownBy::mine)) ==
            bare(join(a, join(b, c, ShownBy::mine), ShownBy::mine)));
    REQUIRE(join(a, a, ShownBy::mine) == a);
    REQUIRE(join(a, a, ShownBy::theirs) == a);
  }
}

TEST_CASE("T2: whichever side is asked, a state from above ends in its own choice of shown", "[T2]") {
  const unsigned seed = GENERATE(range(1u, 501u));
  Replicas replicas(seed);
  replicas.play(30);
  const RootState below = replicas.any(), above = replicas.any();
  INFO("seed " << seed);
  // The parent takes what comes from below under its own choice; what it then sends down settles the child.
  const RootState at_parent = join(above, below, ShownBy::mine);
  REQUIRE(join(below, at_parent, ShownBy::theirs) == at_parent);
}

TEST_CASE("R1: a held older set still brings its group after a newer set of the same root was joined") {
  RootState sender;
  conflict::write(sender, "name", {{actor(1), 5}, "u", {}, "Grace"}, nullptr);
  conflict::write(sender, "gender", {{actor(1), 9}, "u", {}, "F"}, nullptr);
  // A later set of the root carries the whole state, so what set 5 wrote is in it and nothing waits for set 5.
  const RootState receiver = join({}, sender, ShownBy::mine);
  REQUIRE(receiver.groups.at("name").siblings.front().value == "Grace");
  REQUIRE(receiver.groups.at("gender").siblings.front().value == "F");
}

TEST_CASE("two writes of one group without knowledge of each other both stay") {
  RootState a, b;
  conflict::write(a, "gender", {{actor(1), 1}, "u", {}, "F"}, nullptr);
  conflict::write(b, "gender", {{actor(2), 1}, "v", {}, "U"}, nullptr);
  const RootState joined = join(a, b, ShownBy::mine);
  REQUIRE(conflict::differs(joined.groups.at("gender")));
  REQUIRE(joined.groups.at("gender").shown == Dot{actor(1), 1});
  REQUIRE(conflict::conflict_id({"person", "p"}, "gender", joined.groups.at("gender")) ==
          conflict::conflict_id({"person", "p"}, "gender", join(b, a, ShownBy::mine).groups.at("gender")));
}

TEST_CASE("R9: a write of the value that a hidden sibling has takes its place too") {
  RootState state;
  conflict::write(state, "gender", {{actor(1), 1}, "u", {}, "F"}, nullptr);
  RootState other;
  conflict::write(other, "gender", {{actor(2), 1}, "v", {}, "U"}, nullptr);
  state = join(state, other, ShownBy::mine);
  const Dot standing = state.groups.at("gender").shown;
  conflict::write(state, "gender", {{actor(1), 2}, "u", {}, "U"}, &standing);
  REQUIRE(state.groups.at("gender").siblings.size() == 1);
}

TEST_CASE("R29: in life a tombstone is shown whoever chose otherwise") {
  RootState live, purged;
  conflict::write(live, kLifeGroup, {{actor(1), 1}, "u", {}, "voided=0"}, nullptr);
  conflict::write(purged, kLifeGroup, {{actor(2), 1}, "u", {}, std::nullopt}, nullptr);
  for (const ShownBy by : {ShownBy::mine, ShownBy::theirs}) {
    REQUIRE(join(live, purged, by).groups.at(kLifeGroup).shown == Dot{actor(2), 1});
    REQUIRE(join(purged, live, by).groups.at(kLifeGroup).shown == Dot{actor(2), 1});
  }
}
