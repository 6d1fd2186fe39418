#include "node/apply/plan.h"

#include <algorithm>

#include "node/store/pack.h"

namespace omrsync::node {
namespace {

void pack(Packer& out, const PlannedGroup& g) {
  out.text(g.name).flag(g.stood).fixed(g.load_dot).dot(g.target).flag(g.written).flag(g.differs).flag(g.decided);
  out.fixed(g.hash).number(g.over.size());
  for (const RecordedSide& side : g.over) side.pack(out);
  if (g.decided) g.taken.pack(out);
  out.text(g.note).text(g.ask).text(g.request).flag(g.base.has_value());
  if (!g.base) return;
  out.flag(g.base->has_value());
  if (*g.base) out.text(**g.base);
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
  for (auto left = in.number(); left > 0 && in.sound(); --left) g.over.push_back(RecordedSide::unpack(in));
  if (g.decided) g.taken = RecordedSide::unpack(in);
  g.note = in.text();
  g.ask = in.text();
  g.request = in.text();
  if (in.flag()) g.base = in.flag() ? std::optional(in.text()) : std::nullopt;
  return g;
}

}  // namespace

std::string encode(const ApplyPlan& plan) {
  Packer out;
  out.actor(plan.by).number(plan.items.size());
  for (const PlannedItem& item : plan.items) out.text(item.inbox_key).number(static_cast<std::uint64_t>(item.outcome));
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
    out.number(root.collisions.size());
    for (const auto& [group, other] : root.collisions) out.text(group).root(other);
    out.flag(root.beside_end.has_value());
    if (root.beside_end) RecordedSide{*root.beside_end}.pack(out);
    out.number(static_cast<std::uint64_t>(root.root_class));
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
    for (auto collisions = in.number(); collisions > 0 && in.sound(); --collisions) {
      std::string group = in.text();
      root.collisions.emplace_back(std::move(group), in.root());
    }
    if (in.flag()) root.beside_end = RecordedSide::unpack(in).sibling;
    root.root_class = static_cast<ports::RootTable::Class>(std::min<std::uint64_t>(in.number(), 2));
    plan.roots.push_back(std::move(root));
  }
#ifdef OMRSYNC_PLANT
  plan.early_sequence = in.number();
#endif
  if (!in.sound()) return Error{Remedy::stop_node, Code::defect, "a marker of ours cannot be read"};
  return plan;
}

}  // namespace omrsync::node
