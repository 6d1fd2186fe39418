#include "node/apply/planner.h"

#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::node;

namespace {

Dot dot(std::uint8_t node, std::uint64_t sequence) {
  Dot one;
  one.actor.node.bytes[0] = node;
  one.sequence = sequence;
  return one;
}

RootState state(std::vector<Dot> siblings, const Dot& shown) {
  RootState made;
  Group& group = made.groups["gender"];
  group.shown = shown;
  for (const Dot& each : siblings) {
    group.siblings.push_back({each, {}, {}, GroupValue{std::to_string(each.sequence)}});
    made.context.add(each);
  }
  return made;
}

}  // namespace

TEST_CASE("what a child shows is not taken with what the parent shows, when both come together") {
  const Dot ours = dot(1, 7), old = dot(1, 1), childs = dot(2, 1);
  RootState here = state({ours, childs}, ours);  // wrote over `old`, which the parent still shows
  here.context.add(old);
  const RootState from_child = state({childs}, childs), from_parent = state({old, childs}, old);
  const RootState joined = join_all(here, {&from_child, &from_parent}, true);
  REQUIRE(joined.groups.at("gender").siblings.size() == 2);
  CHECK(joined.groups.at("gender").shown == ours);
}

TEST_CASE("what the parent shows is taken") {
  const Dot ours = dot(1, 7), childs = dot(2, 1);
  const RootState here = state({ours}, ours), from_parent = state({ours, childs}, childs);
  CHECK(join_all(here, {&from_parent}, true).groups.at("gender").shown == childs);
  CHECK(join_all(here, {&from_parent}, false).groups.at("gender").shown == ours);
}
