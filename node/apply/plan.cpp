#include "node/apply/plan.h"

#include <algorithm>

#include "node/store/pack.h"
#include "protocol/cells.h"

namespace omrsync::node {
namespace {

void pack(Packer& out, const PlannedGroup& g) {
  out.text(g.name).flag(g.stood).fixed(g.load_dot).dot(g.target).flag(g.written).flag(g.differs).flag(g.decided);
  out.fixed(g.hash);
}

PlannedGroup unpack_group(Unpacker& in) {
  PlannedGroup g;
  g.name = in.text();
  g.stood = in.flag();
  g.load_dot = in.fixed();
  g.target = in.dot();
  g.written = in.flag();
  g.differs = in.flag();
  g.decided = in.flag();
  g.hash = in.fixed();
  return g;
}

std::string_view date_changed(const Sibling& sibling) {
  if (!sibling.value) return {};
  return find_cell(*sibling.value, "date_changed").value_or(std::string_view{});
}

}  // namespace

std::string encode(const ApplyPlan& plan) {
  Packer out;
  out.actor(plan.by).number(plan.items.size());
  for (const PlannedItem& item : plan.items)
    out.text(item.inbox_key).number(static_cast<std::uint64_t>(item.outcome));
  out.number(plan.roots.size());
  for (const PlannedRoot& root : plan.roots) {
    out.root(root.root).flag(root.existed).flag(root.purged).flag(root.kept).number(root.groups.size());
    for (const PlannedGroup& group : root.groups) pack(out, group);
    out.number(root.residue.size());
    for (const auto& [name, cells] : root.residue) out.text(name).text(cells);
    out.number(root.holds.size());
    for (const auto& [name, hash] : root.holds) out.text(name).fixed(hash);
    out.number(root.referrers.size());
    for (const RootKey& referrer : root.referrers) out.root(referrer);
  }
#ifdef OMRSYNC_PLANT
  out.number(plan.early_sequence);
#endif
  return std::move(out).take();
}

Result<ApplyPlan> decode_plan(std::string_view bytes) {
  ApplyPlan plan;
  Unpacker in(bytes);
  plan.by = in.actor();
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    PlannedItem item;
    item.inbox_key = in.text();
    item.outcome = static_cast<Outcome::State>(std::min<std::uint64_t>(in.number(), 7));
    plan.items.push_back(std::move(item));
  }
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    PlannedRoot root;
    root.root = in.root();
    root.existed = in.flag();
    root.purged = in.flag();
    root.kept = in.flag();
    for (auto groups = in.number(); groups > 0 && in.sound(); --groups) root.groups.push_back(unpack_group(in));
    for (auto residue = in.number(); residue > 0 && in.sound(); --residue) {
      std::string name = in.text();
      root.residue.emplace(std::move(name), in.text());
    }
    for (auto holds = in.number(); holds > 0 && in.sound(); --holds) {
      std::string name = in.text();
      root.holds.emplace(std::move(name), in.fixed());
    }
    for (auto referrers = in.number(); referrers > 0 && in.sound(); --referrers) root.referrers.push_back(in.root());
    plan.roots.push_back(std::move(root));
  }
#ifdef OMRSYNC_PLANT
  plan.early_sequence = in.number();
#endif
  if (!in.sound()) return Error{Remedy::stop_node, Code::defect, "a marker of ours cannot be read"};
  return plan;
}

std::optional<Dot> decide(ports::RootTable::Class kind, const GroupName& name, const Group& group) {
  if (group.siblings.size() < 2) return std::nullopt;
  if (is_bookkeeping(name)) {
    const auto latest = std::max_element(
        group.siblings.begin(), group.siblings.end(),
        [](const Sibling& a, const Sibling& b) { return date_changed(a) < date_changed(b); });
    return latest->dot;
  }
  if (!conflict::differs(group)) return std::nullopt;
  if (kind == ports::RootTable::Class::clinical) return std::nullopt;
  if (name == kLifeGroup) {
    const auto live = std::find_if(group.siblings.begin(), group.siblings.end(),
                                   [](const Sibling& s) { return s.value.has_value(); });
    if (live != group.siblings.end()) return live->dot;
  }
  return group.shown;
}

}  // namespace omrsync::node
