#include "node/store/records.h"

namespace omrsync::node {
namespace {

void pack_roots(Packer& out, const std::vector<RootKey>& roots) {
  out.number(roots.size());
  for (const RootKey& root : roots) out.root(root);
}

std::vector<RootKey> unpack_roots(Unpacker& in) {
  std::vector<RootKey> roots;
  for (auto left = in.number(); left > 0 && in.sound(); --left) roots.push_back(in.root());
  return roots;
}

void pack_texts(Packer& out, const std::vector<std::string>& texts) {
  out.number(texts.size());
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> unpack_texts(Unpacker& in) {
  std::vector<std::string> texts;
  for (auto left = in.number(); left > 0 && in.sound(); --left) texts.push_back(in.text());
  return texts;
}

void pack_key(Packer& out, const std::array<std::uint8_t, 16>& key) {
  out.text(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
}

void unpack_key(Unpacker& in, std::array<std::uint8_t, 16>& key) {
  const std::string bytes = in.text();
  std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
}

void pack_life(Packer& out, const LinkLife& life) { out.actor(life.child).actor(life.parent); }

LinkLife unpack_life(Unpacker& in) {
  LinkLife life;
  life.child = in.actor();
  life.parent = in.actor();
  return life;
}

void pack_value(Packer& out, const std::optional<std::string>& value) {
  out.flag(value.has_value());
  if (value) out.text(*value);
}

std::optional<std::string> unpack_value(Unpacker& in) { return in.flag() ? std::optional(in.text()) : std::nullopt; }

template <typename Enum>
Enum unpack_enum(Unpacker& in, Enum highest) {
  const auto value = in.number();
  return value > static_cast<std::uint64_t>(highest) ? highest : static_cast<Enum>(value);
}

}  // namespace

void Identity::pack(Packer& out) const {
  out.uuid(node).text(name).number(incarnation.counter).fixed(incarnation.chance);
  pack_key(out, hash_key);
  pack_key(out, network_key);
  out.text(recipient);
}

Identity Identity::unpack(Unpacker& in) {
  Identity r;
  r.node = in.uuid();
  r.name = in.text();
  r.incarnation.counter = static_cast<std::uint32_t>(in.number());
  r.incarnation.chance = in.fixed();
  unpack_key(in, r.hash_key);
  unpack_key(in, r.network_key);
  r.recipient = in.text();
  return r;
}

void CaptureRecord::pack(Packer& out) const {
  out.text(position.file).number(position.offset).text(position.gtid).number(position.piece).signed_number(at_ms);
  out.text(position.fingerprint);
}

CaptureRecord CaptureRecord::unpack(Unpacker& in) {
  CaptureRecord r;
  r.position.file = in.text();
  r.position.offset = in.number();
  r.position.gtid = in.text();
  r.position.piece = static_cast<std::uint32_t>(in.number());
  r.at_ms = in.signed_number();
  r.position.fingerprint = in.text();
  return r;
}

void OfferedSet::pack(Packer& out) const {
  out.dot(set).number(part).text(author).stamp(stamp);
  pack_roots(out, roots);
  out.flag(load);
}

OfferedSet OfferedSet::unpack(Unpacker& in) {
  OfferedSet r;
  r.set = in.dot();
  r.part = static_cast<std::uint32_t>(in.number());
  r.author = in.text();
  r.stamp = in.stamp();
  r.roots = unpack_roots(in);
  r.load = in.flag();
  return r;
}

void LinkRecord::pack(Packer& out) const {
  pack_life(out, life);
  out.number(next_number).number(acknowledged).text(chain).number(log_cursor);
  out.flag(load.done).text(load.table).text(load.after).number(load.rows).number(load.of);
  out.number(stored).text(stored_chain).number(next_outcome).number(outcomes_seen);
  out.signed_number(last_contact_ms).number(error_code).text(error_message).signed_number(clock_offset_ms);
  out.flag(offer_all).number(lives).flag(tells_clinical).flag(tells_metadata);
}

LinkRecord LinkRecord::unpack(Unpacker& in) {
  LinkRecord r;
  r.life = unpack_life(in);
  r.next_number = in.number();
  r.acknowledged = in.number();
  r.chain = in.text();
  r.log_cursor = in.number();
  r.load.done = in.flag();
  r.load.table = in.text();
  r.load.after = in.text();
  r.load.rows = in.number();
  r.load.of = in.number();
  r.stored = in.number();
  r.stored_chain = in.text();
  r.next_outcome = in.number();
  r.outcomes_seen = in.number();
  r.last_contact_ms = in.signed_number();
  r.error_code = static_cast<std::uint32_t>(in.number());
  r.error_message = in.text();
  r.clock_offset_ms = in.signed_number();
  r.offer_all = in.flag();
  r.lives = static_cast<std::uint32_t>(in.number());
  if (in.at_end()) return r;  // written before there were grants
  r.tells_clinical = in.flag();
  r.tells_metadata = in.flag();
  return r;
}

void SentSet::pack(Packer& out) const {
  out.dot(set).number(part).flag(load).flag(stored).signed_number(since_ms);
  pack_roots(out, roots);
  out.number(static_cast<std::uint64_t>(told)).number(code).text(reason);
  pack_texts(out, waits_for);
}

SentSet SentSet::unpack(Unpacker& in) {
  SentSet r;
  r.set = in.dot();
  r.part = static_cast<std::uint32_t>(in.number());
  r.load = in.flag();
  r.stored = in.flag();
  r.since_ms = in.signed_number();
  r.roots = unpack_roots(in);
  r.told = unpack_enum(in, Outcome::State::duplicate);
  r.code = static_cast<std::uint32_t>(in.number());
  r.reason = in.text();
  r.waits_for = unpack_texts(in);
  return r;
}

void InboxItem::pack(Packer& out) const {
  out.number(static_cast<std::uint64_t>(state)).dot(set).flag(load).signed_number(since_ms);
  out.number(tries).number(code).text(reason);
  pack_roots(out, waits_for);
  pack_roots(out, roots);
  out.flag(told).flag(asked).text(sender);
}

InboxItem InboxItem::unpack(Unpacker& in) {
  InboxItem r;
  r.state = unpack_enum(in, State::paused);
  r.set = in.dot();
  r.load = in.flag();
  r.since_ms = in.signed_number();
  r.tries = static_cast<std::uint32_t>(in.number());
  r.code = static_cast<std::uint32_t>(in.number());
  r.reason = in.text();
  r.waits_for = unpack_roots(in);
  r.roots = unpack_roots(in);
  r.told = in.flag();
  r.asked = in.flag();
  r.sender = in.text();
  return r;
}

void LogRow::pack(Packer& out) const {
  out.root(root).dot(set).flag(via.has_value());
  if (via) pack_life(out, *via);
  out.flag(whole).flag(load);
}

LogRow LogRow::unpack(Unpacker& in) {
  LogRow r;
  r.root = in.root();
  r.set = in.dot();
  if (in.flag()) r.via = unpack_life(in);
  r.whole = in.flag();
  r.load = in.flag();
  return r;
}

void RecordedSide::pack(Packer& out) const {
  out.dot(sibling.dot).text(sibling.author).stamp(sibling.stamp).text(sibling.decision);
  pack_value(out, sibling.value);
  out.flag(known).flag(shown);
}

RecordedSide RecordedSide::unpack(Unpacker& in) {
  RecordedSide r;
  r.sibling.dot = in.dot();
  r.sibling.author = in.text();
  r.sibling.stamp = in.stamp();
  r.sibling.decision = in.text();
  r.sibling.value = unpack_value(in);
  r.known = in.flag();
  r.shown = in.flag();
  return r;
}

void ConflictRecord::pack(Packer& out) const {
  out.text(id).text(kind).root(root).text(group).signed_number(opened_ms).flag(open).signed_number(decided_ms);
  out.text(decided_by).text(policy);
  pack_texts(out, other_ids);
  pack_roots(out, referrers);
  out.text(rule).text(user).text(reason);
  out.number(sides.size());
  for (const RecordedSide& side : sides) side.pack(out);
  out.flag(taken.has_value());
  if (taken) taken->pack(out);
  out.flag(undone).signed_number(undone_ms).flag(base.has_value());
  if (base) pack_value(out, *base);
  out.number(static_cast<std::uint64_t>(root_class));
}

ConflictRecord ConflictRecord::unpack(Unpacker& in) {
  ConflictRecord r;
  r.id = in.text();
  r.kind = in.text();
  r.root = in.root();
  r.group = in.text();
  r.opened_ms = in.signed_number();
  r.open = in.flag();
  r.decided_ms = in.signed_number();
  r.decided_by = in.text();
  r.policy = in.text();
  r.other_ids = unpack_texts(in);
  r.referrers = unpack_roots(in);
  r.rule = in.text();
  r.user = in.text();
  r.reason = in.text();
  for (auto left = in.number(); left > 0 && in.sound(); --left) r.sides.push_back(RecordedSide::unpack(in));
  if (in.flag()) r.taken = RecordedSide::unpack(in);
  r.undone = in.flag();
  r.undone_ms = in.signed_number();
  if (in.flag()) r.base = unpack_value(in);
  r.root_class = unpack_enum(in, ports::RootTable::Class::link);
  return r;
}

void DecisionRequest::pack(Packer& out) const {
  out.number(static_cast<std::uint64_t>(by)).text(conflict).root(root).text(group).number(seen.size());
  for (const Dot& dot : seen) out.dot(dot);
  out.flag(take.has_value());
  if (take) out.dot(*take);
  out.number(cells.size());
  for (const Cell& cell : cells) {
    out.text(cell.column).flag(cell.of.has_value());
    if (cell.of) out.dot(*cell.of);
    pack_value(out, cell.text);
  }
  out.flag(value.has_value());
  if (value) pack_value(out, *value);
  out.text(note).text(program).signed_number(asked_ms);
}

DecisionRequest DecisionRequest::unpack(Unpacker& in) {
  DecisionRequest r;
  r.by = unpack_enum(in, By::program);
  r.conflict = in.text();
  r.root = in.root();
  r.group = in.text();
  for (auto left = in.number(); left > 0 && in.sound(); --left) r.seen.push_back(in.dot());
  if (in.flag()) r.take = in.dot();
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    Cell cell;
    cell.column = in.text();
    if (in.flag()) cell.of = in.dot();
    cell.text = unpack_value(in);
    r.cells.push_back(std::move(cell));
  }
  if (in.flag()) r.value = unpack_value(in);
  r.note = in.text();
  r.program = in.text();
  r.asked_ms = in.signed_number();
  return r;
}

void PackageNote::pack(Packer& out) const {
  out.text(package).number(first).number(last).signed_number(created_ms).signed_number(at_ms);
}

PackageNote PackageNote::unpack(Unpacker& in) {
  PackageNote r;
  r.package = in.text();
  r.first = in.number();
  r.last = in.number();
  r.created_ms = in.signed_number();
  r.at_ms = in.signed_number();
  return r;
}

void StickRecord::pack(Packer& out) const {
  out.text(recipient).actor(peer);
  written.pack(out);
  out.text(previous);
  read.pack(out);
  missed.pack(out);
  out.text(draft);
}

StickRecord StickRecord::unpack(Unpacker& in) {
  StickRecord r;
  r.recipient = in.text();
  r.peer = in.actor();
  r.written = PackageNote::unpack(in);
  r.previous = in.text();
  r.read = PackageNote::unpack(in);
  r.missed = PackageNote::unpack(in);
  r.draft = in.text();
  return r;
}

void Grant::pack(Packer& out) const { out.flag(clinical).flag(metadata).number(bytes_per_second); }

Grant Grant::unpack(Unpacker& in) {
  Grant r;
  if (in.at_end()) return r;  // written before there were grants: everything was allowed
  r.clinical = in.flag();
  r.metadata = in.flag();
  r.bytes_per_second = in.number();
  return r;
}

void ChildRecord::pack(Packer& out) const {
  out.uuid(node).text(name).number(static_cast<std::uint64_t>(state)).text(catchment).text(fingerprint);
  out.signed_number(added_ms).signed_number(last_seen_ms).text(next_fingerprint).signed_number(certificate_expires_ms);
  up.pack(out);
  down.pack(out);
}

ChildRecord ChildRecord::unpack(Unpacker& in) {
  ChildRecord r;
  r.node = in.uuid();
  r.name = in.text();
  r.state = unpack_enum(in, State::invited);
  r.catchment = in.text();
  r.fingerprint = in.text();
  r.added_ms = in.signed_number();
  r.last_seen_ms = in.signed_number();
  r.next_fingerprint = in.text();
  r.certificate_expires_ms = in.signed_number();
  r.up = Grant::unpack(in);
  r.down = Grant::unpack(in);
  return r;
}

void EnrolRecord::pack(Packer& out) const {
  out.uuid(node).text(name).signed_number(expires_ms).signed_number(used_ms).text(key).text(certificate_pem);
}

EnrolRecord EnrolRecord::unpack(Unpacker& in) {
  EnrolRecord r;
  r.node = in.uuid();
  r.name = in.text();
  r.expires_ms = in.signed_number();
  r.used_ms = in.signed_number();
  r.key = in.text();
  r.certificate_pem = in.text();
  return r;
}

}  // namespace omrsync::node
