#pragma once

// Between generated types and ours; private to this folder.

#include "protocol/ids.h"
#include "wire.pb.h"

namespace omrsync {

inline void to_wire(const Actor& actor, wire::Actor& out) {
  out.set_node(actor.node.bytes.data(), actor.node.bytes.size());
  out.set_counter(actor.incarnation.counter);
  out.set_chance(actor.incarnation.chance);
}

inline Actor from_wire(const wire::Actor& in) {
  Actor actor;
  if (in.node().size() == actor.node.bytes.size())
    std::copy(in.node().begin(), in.node().end(), actor.node.bytes.begin());
  actor.incarnation = {in.counter(), in.chance()};
  return actor;
}

inline void to_wire(const LinkLife& life, wire::LinkLife& out) {
  to_wire(life.child, *out.mutable_child());
  to_wire(life.parent, *out.mutable_parent());
}

inline LinkLife from_wire(const wire::LinkLife& in) { return {from_wire(in.child()), from_wire(in.parent())}; }

}  // namespace omrsync
