#pragma once

#include <random>
#include <string>

#include "conflict/join.h"
#include "node/ledger/state.h"

namespace omrsync::test {

inline Actor actor_of(std::uint8_t number) {
  Actor a;
  a.node.bytes[15] = number;
  a.incarnation = {1, number};
  return a;
}

/// States as they can really occur: a few replicas of one root that load, write, delete, purge and join at random.
class RandomStates {
 public:
  RandomStates(unsigned seed, const RootKey& root, const node::LoadDots& dots)
      : random_(seed), root_(root), dots_(dots), states_(3) {
    for (RootState& state : states_) begin(state);
  }

  void play(int steps) {
    for (int i = 0; i < steps; ++i) {
      const std::size_t at = pick(states_.size());
      if (pick(3) == 0)
        states_[at] = conflict::join(states_[at], states_[pick(states_.size())],
                                     pick(2) ? conflict::ShownBy::mine : conflict::ShownBy::theirs);
      else
        write(at);
    }
  }

  const RootState& any() { return states_[pick(states_.size())]; }
  std::size_t pick(std::size_t below) { return random_() % below; }

 private:
  static const GroupName& name(std::size_t number) {
    static const GroupName kNames[] = {kLifeGroup, "gender",        "birthdate",
                                       "changed",  "person_name/a", "person_name/a#life"};
    return kNames[number];
  }
  GroupValue value() { return std::string(pick(3), static_cast<char>('a' + pick(3))); }

  /// Loaded, made by one write, or not there yet.
  void begin(RootState& state) {
    const std::size_t how = pick(3);
    if (how == 0) return;
    const Dot fresh{actor_of(9), 1};
    for (std::size_t i = 0; i < 4; ++i) {
      const GroupValue held = value();
      const Dot dot = how == 1 ? Dot{{}, dots_(root_, name(i), held)} : fresh;
      conflict::write(state, name(i), {dot, how == 1 ? "" : "maker", {}, held}, nullptr);
    }
  }

  void write(std::size_t at) {
    RootState& state = states_[at];
    const Dot dot{actor_of(static_cast<std::uint8_t>(at + 1)), ++sequence_[at]};
    const std::string author = "author" + std::to_string(at);
    for (std::size_t groups = 1 + pick(3); groups > 0; --groups) {
      const GroupName& group = name(pick(6));
      Sibling s{dot, author, Stamp{static_cast<std::int64_t>(dot.sequence), 0, false}, {}};
      if (pick(6) != 0) s.value = value();
      const auto held = state.groups.find(group);
      std::optional<Dot> seen;
      if (held != state.groups.end()) seen = held->second.siblings[pick(held->second.siblings.size())].dot;
      conflict::write(state, group, s, seen ? &*seen : nullptr);
    }
  }

  std::mt19937_64 random_;
  RootKey root_;
  const node::LoadDots& dots_;
  std::vector<RootState> states_;
  std::uint64_t sequence_[3] = {};
};

}  // namespace omrsync::test
