#include "adapters/repository/rows.h"

#include "protocol/varint.h"

namespace omrsync::repository {
namespace {

using ports::GroupChange;
using ports::RootChange;

/// Reads what `encode` wrote; after a fault everything is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number() { return taken(take_varint(rest_)); }
  std::uint64_t fixed() { return taken(take_u64(rest_)); }
  std::string text() { return std::string(taken(take_bytes(rest_))); }
  [[nodiscard]] bool sound() const noexcept { return sound_; }
  [[nodiscard]] bool ended() const noexcept { return sound_ && rest_.empty(); }

 private:
  template <typename T>
  T taken(const std::optional<T>& value) {
    sound_ = sound_ && value.has_value();
    return sound_ ? *value : T{};
  }

  std::string_view rest_;
  bool sound_ = true;
};

Error damaged() { return {Remedy::stop_node, Code::store_damaged, "a row of the repository cannot be read"}; }

/// What of a group's change is there.
constexpr std::uint64_t kBefore = 1, kAfter = 2, kBeforeValue = 4, kAfterValue = 8;

void append(std::string& out, const GroupChange& change) {
  append_bytes(out, change.group);
  append_varint(out, (change.before ? kBefore : 0) | (change.after ? kAfter : 0) |
                         (change.before_value ? kBeforeValue : 0) | (change.after_value ? kAfterValue : 0));
  if (change.before) append_u64(out, *change.before);
  if (change.after) append_u64(out, *change.after);
  if (change.before_value) append_bytes(out, *change.before_value);
  if (change.after_value) append_bytes(out, *change.after_value);
}

GroupChange read_group(Reader& in) {
  GroupChange change;
  change.group = in.text();
  const std::uint64_t shown = in.number();
  if ((shown & kBefore) != 0) change.before = in.fixed();
  if ((shown & kAfter) != 0) change.after = in.fixed();
  if ((shown & kBeforeValue) != 0) change.before_value = in.text();
  if ((shown & kAfterValue) != 0) change.after_value = in.text();
  return change;
}

RootChange read_root(Reader& in) {
  RootChange change;
  change.root.table = in.text();
  change.root.key = in.text();
  change.local_id = in.number();
  change.kind = static_cast<RootChange::Kind>(in.number() % 3);
  for (auto left = in.number(); left > 0 && in.sound(); --left) change.groups.push_back(read_group(in));
  return change;
}

}  // namespace

std::string encode(const Row& row) {
  std::string out;
  append_varint(out, row.number);
  append_varint(out, row.groups.size());
  for (const auto& [name, value] : row.groups) {
    append_bytes(out, name);
    append_bytes(out, value);
  }
  return out;
}

Result<Row> decode_row(std::string_view bytes) {
  Reader in(bytes);
  Row row;
  row.number = in.number();
  for (auto left = in.number(); left > 0 && in.sound(); --left) {
    std::string name = in.text();
    row.groups.emplace(std::move(name), in.text());
  }
  if (!in.ended()) return damaged();
  return row;
}

std::string encode(const Commit& commit) {
  std::string out;
  append_varint(out, static_cast<std::uint64_t>(commit.at_ms));
  append_bytes(out, commit.marker_key);
  append_bytes(out, commit.marker_payload);
  append_varint(out, commit.roots.size());
  for (const RootChange& root : commit.roots) {
    append_bytes(out, root.root.table);
    append_bytes(out, root.root.key);
    append_varint(out, root.local_id);
    append_varint(out, static_cast<std::uint64_t>(root.kind));
    append_varint(out, root.groups.size());
    for (const GroupChange& group : root.groups) append(out, group);
  }
  return out;
}

Result<Commit> decode_commit(std::string_view bytes) {
  Reader in(bytes);
  Commit commit;
  commit.at_ms = static_cast<std::int64_t>(in.number());
  commit.marker_key = in.text();
  commit.marker_payload = in.text();
  for (auto left = in.number(); left > 0 && in.sound(); --left) commit.roots.push_back(read_root(in));
  if (!in.ended()) return damaged();
  return commit;
}

}  // namespace omrsync::repository
