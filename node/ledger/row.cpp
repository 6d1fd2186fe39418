#include "node/ledger/row.h"

#include "node/store/pack.h"

namespace omrsync::node {
namespace {

constexpr std::uint64_t kLoaded = 1, kPartial = 2, kAsAbove = 4, kAsDatabase = 8, kHasBase = 16;
constexpr std::uint64_t kHasValue = 1, kIsDecision = 2;  // of a sibling

void pack(Packer& out, const Context& context) {
  out.number(context.highest.size());
  for (const auto& [actor, sequence] : context.highest) out.actor(actor).number(sequence);
  out.number(context.load_dots.size());
  for (const std::uint64_t dot : context.load_dots) out.fixed(dot);
}

void unpack(Unpacker& in, Context& context) {
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    const Actor actor = in.actor();
    context.highest[actor] = in.number();
  }
  for (auto left = in.number(); left > 0 && in.sound(); --left) context.load_dots.insert(in.fixed());
}

void pack(Packer& out, const LedgerGroup& group) {
  out.number(group.group.siblings.size());
  for (const Sibling& s : group.group.siblings) {
    out.dot(s.dot).text(s.author).stamp(s.stamp);
    out.number((s.value ? kHasValue : 0) | (s.decision.empty() ? 0 : kIsDecision));
    if (s.value) out.text(*s.value);
    if (!s.decision.empty()) out.text(s.decision);
  }
  out.dot(group.group.shown).flag(group.standing.has_value());
  if (group.standing) out.dot(*group.standing);
}

LedgerGroup unpack_group(Unpacker& in) {
  LedgerGroup group;
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    Sibling s;
    s.dot = in.dot();
    s.author = in.text();
    s.stamp = in.stamp();
    const std::uint64_t has = in.number();
    if ((has & kHasValue) != 0) s.value = in.text();
    if ((has & kIsDecision) != 0) s.decision = in.text();
    group.group.siblings.push_back(std::move(s));
  }
  group.group.shown = in.dot();
  if (in.flag()) group.standing = in.dot();
  return group;
}

}  // namespace

std::string encode(const LedgerRow& row) {
  Packer out;
  out.number((row.loaded ? kLoaded : 0) | (row.partial ? kPartial : 0) | (row.as_above ? kAsAbove : 0) |
             (row.as_database ? kAsDatabase : 0) | (row.base ? kHasBase : 0));
  out.number(row.hashes.size());
  for (const auto& [name, hash] : row.hashes) out.text(name).fixed(hash);
  out.text(row.changed_file).number(row.changed_offset).number(row.changed_piece).number(row.shown_number);
  if (row.base) out.dot(row.base->dot).text(row.base->author).stamp(row.base->stamp);
  pack(out, row.context);
  out.number(row.groups.size());
  for (const auto& [name, group] : row.groups) {
    out.text(name);
    pack(out, group);
  }
  out.number(row.residue.size());
  for (const auto& [name, cells] : row.residue) out.text(name).text(cells);
  out.number(row.load_dots.size());
  for (const auto& [name, dot] : row.load_dots) out.text(name).fixed(dot);
  out.number(row.replaced.size());
  for (const Replaced& r : row.replaced) out.text(r.group).fixed(r.hash).signed_number(r.at_ms).flag(r.ours);
  return std::move(out).take();
}

Result<LedgerRow> decode_ledger_row(std::string_view bytes) {
  LedgerRow row;
  Unpacker in(bytes);
  const std::uint64_t flags = in.number();
  row.loaded = (flags & kLoaded) != 0;
  row.partial = (flags & kPartial) != 0;
  row.as_above = (flags & kAsAbove) != 0;
  row.as_database = (flags & kAsDatabase) != 0;
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    std::string name = in.text();
    row.hashes.emplace(std::move(name), in.fixed());
  }
  row.changed_file = in.text();
  row.changed_offset = in.number();
  row.changed_piece = static_cast<std::uint32_t>(in.number());
  row.shown_number = in.number();
  if ((flags & kHasBase) != 0) {
    BaseDot base;
    base.dot = in.dot();
    base.author = in.text();
    base.stamp = in.stamp();
    row.base = std::move(base);
  }
  unpack(in, row.context);
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    std::string name = in.text();
    row.groups.emplace(std::move(name), unpack_group(in));
  }
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    std::string name = in.text();
    row.residue.emplace(std::move(name), in.text());
  }
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    std::string name = in.text();
    row.load_dots.emplace(std::move(name), in.fixed());
  }
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    Replaced r;
    r.group = in.text();
    r.hash = in.fixed();
    r.at_ms = in.signed_number();
    r.ours = in.flag();
    row.replaced.push_back(std::move(r));
  }
  if (!in.sound()) return Error{Remedy::stop_node, Code::store_damaged, "a row of the ledger cannot be read"};
  return row;
}

}  // namespace omrsync::node
