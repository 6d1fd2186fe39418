#include "node/decide/view.h"

#include <algorithm>
#include <array>

#include "conflict/decision.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

struct TypeOf {
  std::string_view table;
  std::string_view type;
};

constexpr std::array kTypes = {
    TypeOf{"person", "Patient"},      TypeOf{"provider", "Practitioner"}, TypeOf{"location", "Location"},
    TypeOf{"encounter", "Encounter"}, TypeOf{"visit", "Encounter"},       TypeOf{"obs", "Observation"},
};

std::string origin_key(const Uuid& node) {
  return {reinterpret_cast<const char*>(node.bytes.data()), node.bytes.size()};
}

/// Where a node stands, and what it is called.
struct Place {
  std::string site;
  Uuid branch;
  int depth = 0;
};

/// `link`: by which a dot of it came just now; empty: it was here.
Result<Place> place_of(StoreTransaction& tx, const Identity& self, bool has_parent, const Uuid& node,
                       const std::string& link) {
  constexpr int kChild = 1, kFartherBelow = 2, kAbove = -1;
  if (node == self.node) return Place{self.name, {}, 0};
  OMRSYNC_TRY(child, get_record<ChildRecord>(tx, tables::kNodes, to_string(node)));
  if (child) return Place{child->name, node, kChild};
  OMRSYNC_TRY(origin, tx.get(tables::kOrigins, origin_key(node)));
  const std::string heard = origin ? *origin : link;
  const auto branch = heard == kParentLink ? std::nullopt : parse_uuid(heard);
  Place place{to_string(node), branch.value_or(Uuid{}), branch || !has_parent ? kFartherBelow : kAbove};
  if (place.depth != kAbove) return place;
  OMRSYNC_TRY(above, link_record(tx, kParentLink));
  OMRSYNC_TRY(name, tx.get(tables::kMeta, "parent_name"));
  if (above.life.parent.node == node && name) place.site = *name;
  return place;
}

/// What the first load found counts as written where it was found: here, at the child that sent it, or above.
Result<Place> place_of_load(StoreTransaction& tx, const Identity& self, bool has_parent, const std::string& link) {
  if (link == kParentLink) return Place{"first load", {}, -1};
  return place_of(tx, self, has_parent, parse_uuid(link).value_or(self.node), link);
}

Status place(StoreTransaction& tx, const Identity& self, bool has_parent, const CameBy& came, const Sibling& sibling,
             conflict::Side& side) {
  const auto by = came.find(side.dot);
  const std::string link = by == came.end() ? std::string() : by->second;
  side.writer = conflict::writer_of(sibling);
  OMRSYNC_TRY(writer, side.writer.empty() ? place_of_load(tx, self, has_parent, link)
                                          : place_of(tx, self, has_parent, side.writer, link));
  side.site = std::move(writer.site);
  side.branch = writer.branch;
  side.depth = side.made_at = writer.depth;
  if (side.dot.actor.node == side.writer) return Done{};
  OMRSYNC_TRY(maker, place_of(tx, self, has_parent, side.dot.actor.node, link));
  side.made_at = maker.depth;
  return Done{};
}

conflict::Kind kind_of(ports::RootTable::Class root_class) noexcept {
  switch (root_class) {
    case ports::RootTable::Class::metadata:
      return conflict::Kind::metadata;
    case ports::RootTable::Class::link:
      return conflict::Kind::link;
    case ports::RootTable::Class::clinical:
      break;
  }
  return conflict::Kind::clinical;
}

/// Who wrote the group that nobody writes again.
std::optional<Uuid> registered_by(const RootState& state) {
  for (const char* name : {"created", kLifeGroup}) {
    const auto group = state.groups.find(name);
    if (group == state.groups.end()) continue;
    if (group->second.siblings.size() != 1 || group->second.siblings.front().dot.actor.is_load()) return std::nullopt;
    return group->second.siblings.front().dot.actor.node;
  }
  return std::nullopt;
}

}  // namespace

std::string_view fhir_type(std::string_view table) noexcept {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeOf& t) { return t.table == table; });
  return found == kTypes.end() ? table : found->type;
}

Status note_origins(StoreTransaction& tx, const Uuid& self, std::string_view link, const Context& context) {
  if (link == kPastLink) return Done{};
  for (const auto& [actor, sequence] : context.highest) {
    if (actor.node == self) continue;
    const std::string key = origin_key(actor.node);
    OMRSYNC_TRY(known, tx.get(tables::kOrigins, key));
    if (!known) OMRSYNC_CHECK(tx.put(tables::kOrigins, key, link));
  }
  return Done{};
}

Result<conflict::View> view_of(StoreTransaction& tx, const Identity& self, bool has_parent, const Dispute& dispute,
                               const CameBy& came) {
  conflict::View view;
  view.root = dispute.root;
  view.type = fhir_type(dispute.root.table);
  view.kind = kind_of(dispute.root_class);
  view.group = dispute.group;
  view.base = dispute.base;
  if (dispute.state != nullptr) view.owner = registered_by(*dispute.state);
  for (const Sibling& sibling : dispute.contents.siblings) {
    conflict::Side side;
    side.dot = sibling.dot;
    side.stamp = sibling.stamp;
    side.value = sibling.value;
    side.shown = sibling.dot == dispute.contents.shown;
    side.is_decision = !sibling.decision.empty();
    OMRSYNC_CHECK(place(tx, self, has_parent, came, sibling, side));
    view.sides.push_back(std::move(side));
  }
  return view;
}

bool has_authority(const conflict::View& view, bool has_parent) {
  return !has_parent || std::all_of(view.sides.begin(), view.sides.end(),
                                    [](const conflict::Side& side) { return side.made_at >= 0; });
}

}  // namespace omrsync::node
