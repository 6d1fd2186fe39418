#include "conflict/decision.h"

#include "conflict/join.h"
#include "tests/support/catch.h"

using namespace omrsync;

namespace {

Sibling sibling(std::uint8_t node, std::uint64_t sequence, const char* value) {
  Sibling s;
  s.dot.actor.node.bytes[0] = node;
  s.dot.sequence = sequence;
  s.value = value;
  return s;
}

}  // namespace

TEST_CASE("A decision takes the place of what it has seen, on every node, and of nothing else", "[conflict]") {
  const Sibling x = sibling(1, 1, "x"), y = sibling(2, 1, "y"), z = sibling(3, 1, "z");
  RootState state;
  conflict::write(state, "gender", x, nullptr);
  conflict::write(state, "gender", y, nullptr);
  const RootState before = state;
  RootState decided = state;
  conflict::decide(decided, "gender", sibling(4, 1, "x"), {x.dot, y.dot});
  CHECK(decided.groups.at("gender").siblings.size() == 1);
  CHECK(!conflict::differs(decided.groups.at("gender")));
  CHECK(conflict::join(before, decided, conflict::ShownBy::theirs) == decided);
  RootState elsewhere = before;
  conflict::write(elsewhere, "gender", z, nullptr);
  const RootState met = conflict::join(decided, elsewhere, conflict::ShownBy::mine);
  CHECK(met.groups.at("gender").siblings.size() == 2);  // the decision, and z, which it had not seen
  CHECK(met.groups.at("gender").shown == sibling(4, 1, "").dot);
}

TEST_CASE("What a decision says of itself travels as text", "[conflict]") {
  const conflict::DecisionNote note{"c0ffee", true, true, "mine/3", "parent-wins", "mary", "the paper form says so",
                                    {}};
  CHECK(conflict::decode_note(conflict::encode(note)) == note);
  CHECK(conflict::decode_note(conflict::encode({})) == conflict::DecisionNote{});
  CHECK(!conflict::decode_note(""));
  CHECK(!conflict::decode_note("no note"));
}
