#include "node/ledger/local.h"

#include <algorithm>

#include "conflict/join.h"
#include "node/plant.h"

namespace omrsync::node {
namespace {

using ports::GroupChange;
using ports::RootChange;

void insert(Group& group, Sibling sibling) {
  const auto place = std::lower_bound(group.siblings.begin(), group.siblings.end(), sibling.dot,
                                      [](const Sibling& s, const Dot& d) { return s.dot < d; });
  group.siblings.insert(place, std::move(sibling));
}

/// The group as the ledger lists it; one that stands under the base dot or as loaded is listed from now on.
LedgerGroup& listed(const RootKey& root, LedgerRow& row, const GroupChange& change, const LoadDots& dots) {
  const auto found = row.groups.find(change.group);
  if (found != row.groups.end()) return found->second;
  LedgerGroup group;
  const auto loaded = row.load_dots.find(change.group);
  if (change.before && row.loaded && (loaded != row.load_dots.end() || change.before_value)) {
    const Dot dot{{}, loaded != row.load_dots.end() ? loaded->second : dots(root, change.group, *change.before_value)};
    row.load_dots.erase(change.group);
    group.group.siblings.push_back({dot, {}, {}, GroupValue{}});
    group.standing = dot;
  } else if (change.before && row.base) {
    group.group.siblings.push_back({row.base->dot, row.base->author, row.base->stamp, GroupValue{}});
    group.standing = row.base->dot;
  }
  if (group.standing) {  // it stands as loaded no longer
    group.group.shown = *group.standing;
    row.context.add(*group.standing);
  }
  return row.groups.emplace(change.group, std::move(group)).first->second;
}

/// True when the group holds values that differ, as far as they are known: the standing one's is `standing_value`.
bool differs(const LedgerGroup& group, const std::optional<GroupValue>& standing_value) {
  const Sibling* stands = nullptr;
  for (const Sibling& s : group.group.siblings)
    if (group.standing == s.dot) stands = &s;
  return std::any_of(group.group.siblings.begin(), group.group.siblings.end(), [&](const Sibling& s) {
    if (&s == stands) return false;
    if (stands == nullptr || !s.value || !stands->value) return true;
    return !standing_value || *s.value != *standing_value;
  });
}

/// What a write of a group may rest on (D7c).
enum class Basis { seen, perhaps_unseen, beside, says_nothing };

std::string_view row_of(const GroupName& group) noexcept {
  const std::string_view name = group;
  const std::size_t hash = name.find('#');
  if (hash != std::string_view::npos) return name.substr(0, hash);
  return name.find('/') == std::string_view::npos ? std::string_view{} : name;
}

Basis basis_of(const LedgerRow& row, const RootChange& change, const GroupChange& group, const LocalWrite& write) {
  const std::int64_t at_ms = write.at_ms;
  if (is_bookkeeping(group.group) || OMRSYNC_PLANTED(no_stale_save_rule)) return Basis::seen;
  if (write.beside) return Basis::beside;
  if (write.has_seen) return Basis::seen;
  const auto last_apply = [&](const GroupName& name) {
    return std::find_if(row.replaced.rbegin(), row.replaced.rend(),
                        [&](const Replaced& r) { return r.ours && r.group == name; });
  };
  const auto brings_back = [&](const GroupChange& written) {  // what stood before our last apply, whoever replaced it
    return std::any_of(last_apply(written.group), row.replaced.rend(), [&](const Replaced& r) {
      return r.group == written.group && r.hash == written.after.value_or(0) && at_ms - r.at_ms < kStaleForMs;
    });
  };
  const auto ours = last_apply(group.group);
  if (ours == row.replaced.rend() || at_ms - ours->at_ms >= kStaleForMs) return Basis::seen;
  if (group.before && !group.before_value) return Basis::perhaps_unseen;  // what stood there is known no longer
  if (brings_back(group)) {
    const bool beside_another = std::any_of(change.groups.begin(), change.groups.end(), [&](const GroupChange& other) {
      return &other != &group && !is_bookkeeping(other.group) && row_of(other.group) == row_of(group.group) &&
             !brings_back(other);
    });
    return beside_another ? Basis::says_nothing : Basis::beside;
  }
  return at_ms - ours->at_ms < write.unseen_ms ? Basis::beside : Basis::perhaps_unseen;
}

/// The standing sibling leaves the database but stays a sibling: its value is kept from the before image.
void keep_standing(LedgerGroup& group, const GroupChange& change) {
  if (OMRSYNC_PLANTED(no_before_images)) return;
  for (Sibling& s : group.group.siblings)
    if (group.standing == s.dot && s.value && change.before_value) s.value = *change.before_value;
}

/// A stale save brought back what an apply of ours had replaced, beside the field that was meant: ours is put back.
void put_back(LedgerRow& row, LedgerGroup& group, const GroupChange& change, LocalEffect& effect) {
  keep_standing(group, change);
  group.standing.reset();
  row.hashes[change.group] = change.after.value_or(0);
  if (!change.after) row.hashes.erase(change.group);
  effect.put_back.push_back(change.group);
}

void write_group(LedgerRow& row, LedgerGroup& group, const GroupChange& change, const LocalWrite& write,
                 const std::optional<GroupValue>& after_value, Basis basis, LocalEffect& effect) {
  if (basis == Basis::says_nothing) return put_back(row, group, change, effect);
  const bool several = group.group.siblings.size() > 1;
  LocalEffect::Settled settled{change.group, {}, group.standing, change.before_value};
  if (several) settled.were = group.group;
  if (basis == Basis::beside) {
    keep_standing(group, change);
    group.standing.reset();
  }
  if (basis == Basis::perhaps_unseen) effect.perhaps_unseen.push_back(change.group);
  const std::optional<Dot> seen = group.standing;
  if (seen) row.context.add(*seen);
  std::erase_if(group.group.siblings, [&](const Sibling& s) {
    if (seen == s.dot || s.dot == write.dot) return true;
    if (!s.value && !change.after) return true;
    return s.value && after_value && *s.value == *after_value;
  });
  Sibling written{write.dot, write.author, write.stamp, {}};
  if (change.after) written.value = GroupValue{};
  insert(group.group, std::move(written));
  group.standing = write.dot;
  group.group.shown = conflict::choose_shown(change.group, group.group.siblings, &write.dot, nullptr);
  if (change.after)
    row.hashes[change.group] = *change.after;
  else
    row.hashes.erase(change.group);
  if (is_bookkeeping(change.group)) return;
  if (group.group.siblings.size() > 1 && differs(group, after_value))
    effect.conflicts.push_back(change.group);
  else if (several)
    effect.settled.push_back(std::move(settled));
}

/// A root that this write made: every group under its dot, nothing else to say.
LedgerRow created(const RootChange& change, const LocalWrite& write) {
  LedgerRow row;
  row.base = BaseDot{write.dot, write.author, write.stamp};
  row.context.add(write.dot);
  for (const GroupChange& group : change.groups)
    if (group.after) row.hashes[group.group] = *group.after;
  return row;
}

/// The root is gone: its standing values were seen by who purged it; siblings that nobody saw here stay. Beside what
/// the store holds (R37) every value stays.
void purge(const RootKey& root, LedgerRow& row, const RootChange& change, const LocalWrite& write, const LoadDots& dots,
           LocalEffect& effect) {
  for (const GroupChange& group : change.groups) {
    LedgerGroup& kept = listed(root, row, group, dots);
    if (kept.standing) row.context.add(*kept.standing);
    if (write.beside && group.group != kLifeGroup) keep_standing(kept, group);
  }
  if (row.base) row.context.add(row.base->dot);
  for (auto& [name, group] : row.groups) {
    if (name == kLifeGroup) continue;
    if (group.standing && !write.beside)
      std::erase_if(group.group.siblings, [&](const Sibling& s) { return group.standing == s.dot; });
    group.standing.reset();
    if (group.group.siblings.empty()) continue;
    group.group.shown = group.group.siblings.front().dot;
    if (!write.beside || group.group.siblings.size() > 1) effect.conflicts.push_back(name);
  }
  std::erase_if(row.groups, [](const auto& each) { return each.second.group.siblings.empty(); });
  row.base.reset();
  row.loaded = row.partial = false;
  row.hashes.clear();
  row.load_dots.clear();
  row.residue.clear();
  GroupChange life{kLifeGroup, std::nullopt, std::nullopt, std::nullopt};
  for (const GroupChange& group : change.groups)
    if (group.group == kLifeGroup) life.before_value = group.before_value;
  write_group(row, row.groups[kLifeGroup], life, write, std::nullopt, write.beside ? Basis::beside : Basis::seen,
              effect);
}

/// The database holds, in every group, the value of the sibling that is to be shown.
bool shows_what_stands(const LedgerRow& row) {
  const auto life = row.groups.find(kLifeGroup);
  const auto is_tombstone = [](const LedgerGroup& group) {
    return std::any_of(group.group.siblings.begin(), group.group.siblings.end(),
                       [&](const Sibling& s) { return s.dot == group.group.shown && !s.value; });
  };
  if (life != row.groups.end() && is_tombstone(life->second)) return row.hashes.empty();
  return std::all_of(row.groups.begin(), row.groups.end(),
                     [](const auto& each) { return each.second.standing == each.second.group.shown; });
}

}  // namespace

void note_replaced(LedgerRow& row, const GroupName& group, std::uint64_t hash, std::int64_t at_ms, bool ours) {
  if (is_bookkeeping(group)) return;
  const auto known = std::find_if(row.replaced.begin(), row.replaced.end(), [&](const Replaced& r) {
    return r.group == group && r.hash == hash && r.ours == ours;
  });
  if (known != row.replaced.end() && ours) row.replaced.erase(known);
  if (known != row.replaced.end() && !ours) {
    known->at_ms = at_ms;  // an apply that came after it stood before counts on
    return;
  }
  row.replaced.push_back({group, hash, at_ms, ours});
}

LocalEffect take_local(const RootKey& root, std::optional<LedgerRow>& row, const RootChange& change,
                       const LocalWrite& write, const LoadDots& dots) {
  LocalEffect effect;
  if (!row && change.kind == RootChange::Kind::created) {
    row = created(change, write);
    row->set_changed_at(write.position);
    return effect;
  }
  if (!row) {  // changed before the load reached it: it is loaded now, from its before image (D26)
    row.emplace();
    row->loaded = true;
    row->partial = true;
  }
  row->context.add(write.dot);
  if (change.kind == RootChange::Kind::purged) {
    purge(root, *row, change, write, dots, effect);
  } else {
    for (const GroupChange& group : change.groups) {
      LedgerGroup& kept = listed(root, *row, group, dots);
      row->residue.erase(group.group);
      write_group(*row, kept, group, write, group.after_value, basis_of(*row, change, group, write), effect);
    }
    for (const GroupChange& group : change.groups)
      note_replaced(*row, group.group, group.before.value_or(0), write.at_ms, false);
  }
  row->as_above = false;
  std::erase_if(row->replaced, [&](const Replaced& r) { return write.at_ms - r.at_ms >= kStaleForMs; });
  row->as_database = shows_what_stands(*row);
  row->set_changed_at(write.position);
  return effect;
}

LedgerRow met(const RootKey& root, const ports::RootContent& content, const LoadDots& dots) {
  LedgerRow row;
  row.loaded = true;
  for (const auto& [name, held] : content.groups) {
    row.hashes[name] = held.hash;
    row.load_dots[name] = dots(root, name, held.value);
  }
  return row;
}

std::optional<RootChange> missed_change(const LedgerRow& row, const RootChange& change) {
  RootChange missed{change.root, change.local_id, RootChange::Kind::written, {}};
  for (const GroupChange& group : change.groups) {
    const auto known = row.hashes.find(group.group);
    if (known == row.hashes.end() ? !group.before || row.partial : group.before == known->second) continue;
    GroupChange before{group.group, std::nullopt, group.before, std::nullopt, group.before_value};
    if (known != row.hashes.end()) before.before = known->second;
    missed.groups.push_back(std::move(before));
  }
  if (missed.groups.empty()) return std::nullopt;
  if (change.kind == RootChange::Kind::created) missed.kind = RootChange::Kind::purged;
  return missed;
}

std::optional<RootChange> unlogged_change(const RootKey& root, std::optional<LedgerRow>& row,
                                          const ports::RootContent* content, const LoadDots& dots) {
  if (!row) return std::nullopt;
  RootChange change;
  change.root = root;
  if (content == nullptr) {
    if (row->hashes.empty()) return std::nullopt;
    change.kind = RootChange::Kind::purged;
    for (const auto& [name, hash] : row->hashes) change.groups.push_back({name, hash, std::nullopt, std::nullopt});
    return change;
  }
  change.local_id = content->local_id;
  for (const auto& [name, held] : content->groups) {
    const auto known = row->hashes.find(name);
    if (known != row->hashes.end() && known->second == held.hash) continue;
    if (known == row->hashes.end() && row->partial) {
      row->hashes[name] = held.hash;
      if (row->loaded && !row->groups.contains(name)) row->load_dots[name] = dots(root, name, held.value);
      continue;
    }
    GroupChange group{name, std::nullopt, held.hash, std::nullopt, held.value};
    if (known != row->hashes.end()) group.before = known->second;
    change.groups.push_back(std::move(group));
  }
  for (const auto& [name, hash] : row->hashes)
    if (!content->groups.contains(name)) change.groups.push_back({name, hash, std::nullopt, std::nullopt});
  row->partial = false;
  if (change.groups.empty()) return std::nullopt;
  return change;
}

}  // namespace omrsync::node
