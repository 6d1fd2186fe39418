#include "protocol/envelope.h"

#include <algorithm>

#include "protocol/varint.h"
#include "protocol/wire_convert.h"

namespace omrsync {
namespace {

/// Actors travel once an envelope; dots name them by place.
class ActorTable {
 public:
  explicit ActorTable(wire::Envelope& out) : out_(out) {}

  std::uint32_t place_of(const Actor& actor) {
    if (actor.is_load()) return 0;
    const auto found = std::find(actors_.begin(), actors_.end(), actor);
    if (found != actors_.end()) return static_cast<std::uint32_t>(found - actors_.begin()) + 1;
    actors_.push_back(actor);
    to_wire(actor, *out_.add_actors());
    return static_cast<std::uint32_t>(actors_.size());
  }

 private:
  wire::Envelope& out_;
  std::vector<Actor> actors_;
};

void write_sibling(const WireSibling& sibling, ActorTable& actors, wire::Sibling& out) {
  out.set_actor(actors.place_of(sibling.dot.actor));
  if (sibling.dot.actor.is_load())
    out.set_load_dot(sibling.dot.sequence);
  else
    out.set_sequence(sibling.dot.sequence);
  out.set_author(sibling.author);
  out.set_at_ms(sibling.stamp.at_ms);
  out.set_error_ms(sibling.stamp.error_ms);
  out.set_trusted(sibling.stamp.trusted);
  out.set_place(static_cast<wire::Sibling::Place>(sibling.place));
  out.set_fragment(sibling.fragment);
  out.set_decision(sibling.decision);
}

/// The everyday entry: new in this very set, and nothing else to say about it.
bool is_fresh(const Entry& entry, const Envelope& envelope) {
  return !entry.loaded && entry.groups.empty() && entry.base && entry.base->dot == envelope.set &&
         entry.base->author == envelope.author && entry.base->stamp == envelope.stamp &&
         entry.context.load_dots.empty() && entry.context.highest.size() == 1 &&
         entry.context.highest.begin()->first == envelope.set.actor &&
         entry.context.highest.begin()->second == envelope.set.sequence;
}

void write_entry(const Entry& entry, const Envelope& envelope, ActorTable& actors, wire::Entry& out) {
  out.set_table(entry.root.table);
  out.set_key(entry.root.key);
  out.set_resource(entry.resource);
  if (is_fresh(entry, envelope)) return;
  out.set_loaded(entry.loaded);
  if (entry.base) write_sibling(*entry.base, actors, *out.mutable_base());
  for (const auto& [actor, sequence] : entry.context.highest) {
    wire::Seen& seen = *out.add_context();
    seen.set_actor(actors.place_of(actor));
    seen.set_sequence(sequence);
  }
  for (const std::uint64_t dot : entry.context.load_dots) out.add_load_dots(dot);
  for (const WireGroup& group : entry.groups) {
    wire::Group& written = *out.add_groups();
    written.set_name(group.name);
    written.set_shown(static_cast<std::uint32_t>(group.shown));
    for (const WireSibling& sibling : group.siblings) write_sibling(sibling, actors, *written.add_siblings());
  }
}

/// Reads one envelope; remembers the first fault instead of throwing.
class Reader {
 public:
  Reader(const wire::Envelope& in, Envelope& out) : in_(in), out_(out) {
    for (const wire::Actor& actor : in.actors()) actors_.push_back(from_wire(actor));
  }

  bool read() {
    out_.number = in_.number();
    out_.through = in_.through();
    out_.kind = static_cast<Envelope::Kind>(std::clamp(static_cast<int>(in_.kind()), 0, 2));
    out_.set = {actor(in_.set_actor()), in_.set_sequence()};
    out_.part = in_.part();
    out_.stamp = {in_.committed_at_ms(), in_.error_ms(), in_.trusted()};
    out_.author = in_.author();
    out_.cut = in_.cut();
    out_.entries.reserve(static_cast<std::size_t>(in_.entries_size()));
    for (const wire::Entry& entry : in_.entries()) out_.entries.push_back(read_entry(entry));
    return sound_;
  }

 private:
  Actor actor(std::uint32_t place) {
    if (place == 0) return {};
    if (place <= actors_.size()) return actors_[place - 1];
    sound_ = false;
    return {};
  }

  WireSibling read_sibling(const wire::Sibling& in) {
    WireSibling sibling;
    sibling.dot = {actor(in.actor()), in.actor() == 0 ? in.load_dot() : in.sequence()};
    sibling.author = in.author();
    sibling.stamp = {in.at_ms(), in.error_ms(), in.trusted()};
    sibling.place = static_cast<WireSibling::Place>(std::clamp(static_cast<int>(in.place()), 0, 2));
    sibling.fragment = in.fragment();
    sibling.decision = in.decision();
    return sibling;
  }

  Entry read_entry(const wire::Entry& in) {
    Entry entry;
    entry.root = {in.table(), in.key()};
    entry.resource = in.resource();
    entry.loaded = in.loaded();
    if (entry.root.table.empty() || entry.root.key.empty()) sound_ = false;
    if (in.has_base()) entry.base = read_sibling(in.base());
    for (const wire::Seen& seen : in.context()) entry.context.add(Dot{actor(seen.actor()), seen.sequence()});
    for (const std::uint64_t dot : in.load_dots()) entry.context.load_dots.insert(dot);
    for (const wire::Group& group : in.groups()) read_group(group, entry);
    if (!entry.loaded && !entry.base && entry.groups.empty() && in.context_size() == 0) {
      entry.base = WireSibling{out_.set, out_.author, out_.stamp, {}, {}};
      entry.context.add(out_.set);
    }
    return entry;
  }

  void read_group(const wire::Group& in, Entry& entry) {
    WireGroup group;
    group.name = in.name();
    group.shown = in.shown();
    for (const wire::Sibling& sibling : in.siblings()) group.siblings.push_back(read_sibling(sibling));
    if (group.name.empty() || group.shown >= group.siblings.size()) sound_ = false;
    entry.groups.push_back(std::move(group));
  }

  const wire::Envelope& in_;
  Envelope& out_;
  std::vector<Actor> actors_;
  bool sound_ = true;
};

}  // namespace

std::string encode_envelope(const Envelope& envelope) {
  wire::Envelope out;
  ActorTable actors(out);
  out.set_number(envelope.number);
  out.set_through(envelope.through);
  out.set_kind(static_cast<wire::Envelope::Kind>(envelope.kind));
  out.set_set_actor(actors.place_of(envelope.set.actor));
  out.set_set_sequence(envelope.set.sequence);
  out.set_part(envelope.part);
  out.set_committed_at_ms(envelope.stamp.at_ms);
  out.set_error_ms(envelope.stamp.error_ms);
  out.set_trusted(envelope.stamp.trusted);
  out.set_author(envelope.author);
  out.set_cut(envelope.cut);
  for (const Entry& entry : envelope.entries) write_entry(entry, envelope, actors, *out.add_entries());
  return out.SerializeAsString();
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  wire::Envelope in;
  Envelope out;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !Reader(in, out).read())
    return Error{Remedy::set_aside, Code::wire_malformed, "an envelope of the batch cannot be read"};
  return out;
}

}  // namespace omrsync
