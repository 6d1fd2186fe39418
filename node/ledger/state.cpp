#include "node/ledger/state.h"

#include <algorithm>

#include "protocol/cells.h"
#include "protocol/varint.h"

namespace omrsync::node {
namespace {

const Sibling* find(const Group& group, const Dot& dot) {
  for (const Sibling& s : group.siblings)
    if (s.dot == dot) return &s;
  return nullptr;
}

/// The one dot that a group consists of, where the database holds it and nothing else is to be said.
const Sibling* plain(const std::map<GroupName, Dot>& standing, const GroupName& name, const Group& group) {
  if (group.siblings.size() != 1 || !group.siblings.front().value) return nullptr;
  if (!group.siblings.front().decision.empty()) return nullptr;
  const auto stands = standing.find(name);
  return stands != standing.end() && stands->second == group.siblings.front().dot ? &group.siblings.front() : nullptr;
}

/// The dot that most plain groups share, if there is one.
std::optional<BaseDot> common_base(const RootState& state, const std::map<GroupName, Dot>& standing) {
  std::map<Dot, std::size_t> counts;
  const Sibling* best = nullptr;
  std::size_t most = 0;
  for (const auto& [name, group] : state.groups)
    if (const Sibling* s = plain(standing, name, group)) {
      const std::size_t count = ++counts[s->dot];
      if (count > most) {
        most = count;
        best = s;
      }
    }
  if (best == nullptr) return std::nullopt;
  return BaseDot{best->dot, best->author, best->stamp};
}

bool is_base(const BaseDot& base, const Sibling& sibling) {
  return sibling.dot == base.dot && sibling.author == base.author && sibling.stamp == base.stamp;
}

}  // namespace

std::uint64_t LoadDots::operator()(const RootKey& root, const GroupName& group, const GroupValue& value) const {
  std::string name;
  name.reserve(root.table.size() + root.key.size() + group.size() + value.size() + 8);
  append_bytes(name, root.table);
  append_bytes(name, root.key);
  append_bytes(name, group);
  name += value;
  return hash_(name);
}

std::vector<StandingGroup> standing_groups(const RootKey& root, const LedgerRow* row, const ports::RootContent& content,
                                           const LoadDots& dots) {
  std::vector<StandingGroup> groups;
  groups.reserve(content.groups.size());
  for (const auto& [name, held] : content.groups) {
    const bool as_loaded = row == nullptr || (row->loaded && !row->groups.contains(name));
    GroupValue value = held.value;
    if (row != nullptr)
      if (const auto residue = row->residue.find(name); residue != row->residue.end())
        value = merge_cells(value, residue->second);
    std::uint64_t dot = 0;
    if (as_loaded) {
      const auto known = row == nullptr ? decltype(row->load_dots.begin()){} : row->load_dots.find(name);
      dot = row != nullptr && known != row->load_dots.end() ? known->second : dots(root, name, value);
    }
    groups.push_back({name, dot, std::move(value)});
  }
  return groups;
}

RootState materialise(const LedgerRow* row, const std::vector<StandingGroup>& standing) {
  RootState state;
  if (row != nullptr) {
    state.context = row->context;
    for (const auto& [name, group] : row->groups) state.groups.emplace(name, group.group);
  }
  for (const StandingGroup& held : standing) {
    const auto listed = row == nullptr ? decltype(row->groups.begin()){} : row->groups.find(held.name);
    if (row != nullptr && listed != row->groups.end()) {
      for (Sibling& s : state.groups[held.name].siblings)
        if (listed->second.standing == s.dot && s.value) s.value = held.value;
      continue;
    }
    Sibling sibling;
    if (row == nullptr || row->loaded || !row->base) {
      sibling = {Dot{{}, held.load_dot}, {}, {}, held.value};
    } else {
      sibling = {row->base->dot, row->base->author, row->base->stamp, held.value};
    }
    state.context.add(sibling.dot);
    const Dot dot = sibling.dot;
    state.groups[held.name] = Group{{std::move(sibling)}, dot};
  }
  return state;
}

void remember(LedgerRow& row, const RootState& state, const std::map<GroupName, Dot>& standing) {
  row.groups.clear();
  row.base.reset();
  row.load_dots.clear();
  row.context = state.context;
  row.loaded = std::any_of(state.groups.begin(), state.groups.end(), [&](const auto& each) {
    const Sibling* s = plain(standing, each.first, each.second);
    return s != nullptr && s->dot.actor.is_load();
  });
  if (!row.loaded) row.base = common_base(state, standing);
  row.as_database = true;
  for (const auto& [name, group] : state.groups) {
    const auto stands = standing.find(name);
    if (stands == standing.end() || stands->second != group.shown) row.as_database = false;
    if (const Sibling* s = plain(standing, name, group)) {
      if (row.loaded && s->dot.actor.is_load()) {
        row.context.load_dots.erase(s->dot.sequence);
        row.load_dots[name] = s->dot.sequence;
        continue;
      }
      if (row.base && is_base(*row.base, *s)) continue;
    }
    LedgerGroup kept{group, {}};
    if (stands != standing.end()) {
      kept.standing = stands->second;
      for (Sibling& s : kept.group.siblings)
        if (s.dot == stands->second && s.value) s.value->clear();
    }
    row.groups.emplace(name, std::move(kept));
  }
}

Result<RootState> state_of(const Entry& entry, const ports::BodyCodec& codec, const LoadDots& dots) {
  RootState state;
  state.context = entry.context;
  std::map<GroupName, GroupValue> body;
  if (!entry.resource.empty()) {
    OMRSYNC_TRY(decoded, codec.decode(entry.root, entry.resource));
    body = std::move(decoded);
  }
  for (const WireGroup& listed : entry.groups) {
    Group group;
    for (const WireSibling& sent : listed.siblings) {
      Sibling sibling{sent.dot, sent.author, sent.stamp, {}, sent.decision};
      if (sent.place == WireSibling::Place::body) {
        const auto value = body.find(listed.name);
        sibling.value = value == body.end() ? GroupValue{} : value->second;
      } else if (sent.place == WireSibling::Place::fragment) {
        OMRSYNC_TRY(decoded, codec.decode(entry.root, sent.fragment));
        const auto value = decoded.find(listed.name);
        sibling.value = value == decoded.end() ? GroupValue{} : value->second;
      }
      state.context.add(sibling.dot);
      group.siblings.push_back(std::move(sibling));
    }
    group.shown = group.siblings[listed.shown].dot;
    std::sort(group.siblings.begin(), group.siblings.end(),
              [](const Sibling& a, const Sibling& b) { return a.dot < b.dot; });
    state.groups[listed.name] = std::move(group);
  }
  for (auto& [name, value] : body) {
    if (state.groups.contains(name)) continue;
    Sibling sibling;
    if (entry.base && !entry.loaded) {
      sibling = {entry.base->dot, entry.base->author, entry.base->stamp, {}};
    } else {
      sibling.dot = Dot{{}, dots(entry.root, name, value)};
    }
    sibling.value = std::move(value);
    state.context.add(sibling.dot);
    const Dot dot = sibling.dot;
    state.groups[name] = Group{{std::move(sibling)}, dot};
  }
  return state;
}

namespace {

/// How a group is said on the wire, unless the entry's base or its being loaded says it already.
Result<WireGroup> wire_group(const RootKey& root, const GroupName& name, const Group& group, bool purged,
                             const ports::BodyCodec& codec) {
  WireGroup out{name, {}, 0};
  for (const Sibling& s : group.siblings) {
    WireSibling sent{s.dot, s.author, s.stamp, WireSibling::Place::body, {}, s.decision};
    if (!s.value) {
      sent.place = WireSibling::Place::deleted;
    } else if (purged || s.dot != group.shown) {
      sent.place = WireSibling::Place::fragment;
      OMRSYNC_CHECK(codec.encode(root, {{name, *s.value}}, sent.fragment));
    }
    if (s.dot == group.shown) out.shown = out.siblings.size();
    out.siblings.push_back(std::move(sent));
  }
  return out;
}

bool is_purged(const RootState& state) {
  const auto life = state.groups.find(kLifeGroup);
  if (life == state.groups.end()) return true;
  const Sibling* shown = find(life->second, life->second.shown);
  return shown == nullptr || !shown->value;
}

}  // namespace

Result<Entry> entry_as_loaded(const RootKey& root, ports::RootContent content, const ports::BodyCodec& codec) {
  Entry entry;
  entry.root = root;
  entry.loaded = true;
  std::map<GroupName, GroupValue> body;
  for (auto& [name, held] : content.groups) body.emplace_hint(body.end(), name, std::move(held.value));
  OMRSYNC_CHECK(codec.encode(root, body, entry.resource));
  return entry;
}

Result<Entry> entry_of(const RootKey& root, const RootState& state, const ports::BodyCodec& codec,
                       const LoadDots& dots) {
  Entry entry;
  entry.root = root;
  entry.context = state.context;
  const bool purged = is_purged(state);
  std::map<GroupName, Dot> all_stand;
  std::map<GroupName, GroupValue> body;
  for (const auto& [name, group] : state.groups) {
    all_stand[name] = group.shown;
    const Sibling* shown = find(group, group.shown);
    if (!purged && shown != nullptr && shown->value) body.emplace(name, *shown->value);
  }
  if (!purged) OMRSYNC_CHECK(codec.encode(root, body, entry.resource));
  const auto implied_load = [&](const GroupName& name, const Sibling& s) {
    return s.dot.actor.is_load() && s.dot.sequence == dots(root, name, *s.value);
  };
  for (const auto& [name, group] : state.groups)
    if (const Sibling* s = plain(all_stand, name, group); s != nullptr && !purged && implied_load(name, *s))
      entry.loaded = true;
  std::optional<BaseDot> base;
  if (!entry.loaded && !purged) base = common_base(state, all_stand);
  if (base) entry.base = WireSibling{base->dot, base->author, base->stamp, WireSibling::Place::body, {}};
  for (const auto& [name, group] : state.groups) {
    if (const Sibling* s = plain(all_stand, name, group); s != nullptr && !purged) {
      if (entry.loaded ? implied_load(name, *s) : (base && is_base(*base, *s))) {
        if (entry.loaded) entry.context.load_dots.erase(s->dot.sequence);
        continue;
      }
    }
    OMRSYNC_TRY(listed, wire_group(root, name, group, purged, codec));
    entry.groups.push_back(std::move(listed));
  }
  return entry;
}

}  // namespace omrsync::node
