#include "node/lives/first_contact.h"

#include <algorithm>

#include "conflict/join.h"
#include "node/plant.h"

namespace omrsync::node {
namespace {

/// What a group keeps beside the row: siblings that the database never held, or holds no longer.
Group kept_beside(const LedgerGroup& known, LedgerRow& row, const std::function<Dot()>& fresh,
                  std::optional<Dot>& shown) {
  Group kept;
  for (const Sibling& s : known.group.siblings) {
    if (s.value && (known.standing == s.dot || s.value->empty())) continue;  // the database held it, or nobody knows it
    Sibling again = s;
    again.dot = fresh();
    again.decision.clear();
    row.context.add(again.dot);
    if (known.group.shown == s.dot) shown = again.dot;
    kept.siblings.push_back(std::move(again));
  }
  return kept;
}

}  // namespace

bool stands_as_known(const LedgerRow& row, const ports::RootContent* content) {
  if (content == nullptr) return row.hashes.empty() && !row.partial;
  if (row.hashes.empty() && !row.partial) return false;
  const bool as_held = std::all_of(content->groups.begin(), content->groups.end(), [&](const auto& each) {
    const auto known = row.hashes.find(each.first);
    return known == row.hashes.end() ? row.partial : known->second == each.second.hash;
  });
  return as_held && std::all_of(row.hashes.begin(), row.hashes.end(),
                                [&](const auto& each) { return content->groups.contains(each.first); });
}

bool has_seen_beyond(const LedgerRow& row, const Actor& actor, std::uint64_t confirmed) {
  const auto seen = row.context.highest.find(actor);
  const bool based = row.base && row.base->dot.actor == actor && row.base->dot.sequence > confirmed;
  return based || (seen != row.context.highest.end() && seen->second > confirmed);
}

std::optional<LedgerRow> first_contact(const LedgerRow& known, const Hashes& stands, const Stamp& stamp,
                                       const std::function<Dot()>& fresh) {
  LedgerRow row;
  if (OMRSYNC_PLANTED(old_context)) row.context = known.context;
  if (!stands.empty()) {
    row.base = BaseDot{fresh(), {}, stamp};
    row.context.add(row.base->dot);
    row.hashes = stands;
    row.partial = known.partial;
    for (const auto& [name, hash] : stands) {
      const auto before = known.hashes.find(name);
      const auto residue = known.residue.find(name);
      if (residue != known.residue.end() && before != known.hashes.end() && before->second == hash)
        row.residue.emplace(name, residue->second);
    }
  }
  for (const auto& [name, group] : known.groups) {
    std::optional<Dot> shown;
    LedgerGroup kept{kept_beside(group, row, fresh, shown), {}};
    if (kept.group.siblings.empty()) continue;
    if (stands.contains(name)) {
      kept.standing = row.base->dot;
      kept.group.siblings.push_back({row.base->dot, {}, stamp, GroupValue{}});
    } else if (const auto gone = std::find_if(kept.group.siblings.begin(), kept.group.siblings.end(),
                                              [](const Sibling& s) { return !s.value; });
               gone != kept.group.siblings.end()) {
      kept.standing = gone->dot;
    }
    std::sort(kept.group.siblings.begin(), kept.group.siblings.end(),
              [](const Sibling& a, const Sibling& b) { return a.dot < b.dot; });
    const Dot* preferred = shown ? &*shown : kept.standing ? &*kept.standing : nullptr;
    kept.group.shown = conflict::choose_shown(name, kept.group.siblings, preferred, nullptr);
    if (kept.standing != kept.group.shown) row.as_database = false;
    row.groups.emplace(name, std::move(kept));
  }
  if (stands.empty() && row.groups.empty()) return std::nullopt;
  return row;
}

}  // namespace omrsync::node
