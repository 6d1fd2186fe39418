#include "adapters/repository/unit.h"

#include <algorithm>

#include "protocol/cells.h"
#include "protocol/root_bytes.h"

namespace omrsync::repository {
namespace {

constexpr std::size_t kNamed = 10;  ///< referring rows that are named
constexpr std::string_view kReason = "purged elsewhere, kept because other rows refer to it";  ///< as in a database

Error busy() { return {Remedy::retry_later, Code::db_lock_busy, "a row is held by another unit of work"}; }

std::string refers_prefix(std::string_view key) { return std::string(key) + '\0'; }

bool same(const std::optional<Row>& a, const std::optional<Row>& b) {
  return a.has_value() == b.has_value() && (!a || a->groups == b->groups);
}

}  // namespace

Status Unit::usable() const {
  if (over_) return Error{Remedy::stop_node, Code::defect, "a unit of work was used after its end"};
  return Done{};
}

Error Unit::end(Error error) {
  over_ = true;
  rows_.clear();
  core_.unlock_all(this);
  return error;
}

Result<bool> Unit::mark(const std::string& key) {
  OMRSYNC_CHECK(usable());
  OMRSYNC_TRY(tx, core_.store.read());
  OMRSYNC_TRY(there, tx->get(tables::kMarkers, key));
  if (there) return false;
  if (!core_.lock("marker " + key, this)) return end(busy());
  marker_ = key;
  return true;
}

Result<Unit::Held*> Unit::hold(ports::StoreTransaction& tx, const RootKey& root) {
  const auto known = rows_.find(root);
  if (known != rows_.end()) return &known->second;
  OMRSYNC_TRY(row, row_of(tx, root));
  return &rows_.emplace(root, Held{row, row}).first->second;
}

Result<std::vector<std::optional<ports::RootContent>>> Unit::lock_read(std::span<const RootKey> roots) {
  OMRSYNC_CHECK(usable());
  for (const RootKey& root : roots)
    if (!core_.lock(root_bytes(root), this)) return end(busy());
  auto tx = core_.store.read();
  if (!tx) return end(tx.error());
  std::vector<std::optional<ports::RootContent>> contents;
  contents.reserve(roots.size());
  for (const RootKey& root : roots) {
    auto held = hold(**tx, root);
    if (!held) return end(held.error());
    contents.push_back((*held)->now ? std::optional(core_.content_of(*(*held)->now)) : std::nullopt);
  }
  return contents;
}

Result<ports::PutOutcome> Unit::put(std::span<const ports::RootWrite> writes) {
  OMRSYNC_CHECK(usable());
  for (const ports::RootWrite& each : writes)
    if (!core_.lock(root_bytes(each.root), this)) return end(busy());
  auto tx = core_.store.read();
  if (!tx) return end(tx.error());
  auto outcome = put_all(**tx, writes);
  if (!outcome) return end(outcome.error());
  return outcome;
}

Result<ports::PutOutcome> Unit::put_all(ports::StoreTransaction& tx, std::span<const ports::RootWrite> writes) {
  ports::PutOutcome outcome;
  std::vector<const ports::RootWrite*> purges;
  for (const ports::RootWrite& each : writes) {
    OMRSYNC_TRY(held, hold(tx, each.root));
    if (core_.never_travels(each.root.table)) {
      outcome.problems.push_back({each.root, Code::apply_refused, {}, "table " + each.root.table + " never travels"});
      refused_ = true;
    }
    if (each.purge) {
      purges.push_back(&each);
      continue;
    }
    const bool says_something =
        std::any_of(each.groups.begin(), each.groups.end(), [](const auto& group) { return group.second.has_value(); });
    if (!held->now && !says_something) continue;
    if (!held->now) held->now.emplace().groups[kLifeGroup];
    for (const auto& [name, value] : each.groups) {
      if (value)
        held->now->groups[name] = travelling(each.root, name, *value);
      else
        held->now->groups.erase(name);
    }
  }
  OMRSYNC_CHECK(purge(tx, std::move(purges), outcome.notices));
  for (const ports::RootWrite& each : writes) outcome.hashes.push_back(hashes_of(each));
  return outcome;
}

/// The value without what never travels, which is not handed on either.
GroupValue Unit::travelling(const RootKey& root, const GroupName& group, const GroupValue& value) const {
  const std::string table = group.find('/') == std::string::npos ? root.table : group.substr(0, group.find('/'));
  std::vector<NamedCell> kept;
  bool all = true;
  for_each_cell(value, [&](const NamedCell& cell) {
    const bool travels = !core_.never_travels(table, cell.column);
    if (travels) kept.push_back(cell);
    all = all && travels;
  });
  return all ? value : encode_cells(std::move(kept));
}

/// Children first, for as long as something can go; what others refer to, and every user, stays and is voided (D30).
Status Unit::purge(ports::StoreTransaction& tx, std::vector<const ports::RootWrite*> waiting,
                   std::vector<ports::PutNotice>& notices) {
  std::map<RootKey, std::vector<RootKey>> in_the_way;
  for (bool moved = true; moved;) {
    moved = false;
    for (const ports::RootWrite*& each : waiting) {
      if (each == nullptr) continue;
      std::optional<Row>& now = rows_.at(each->root).now;
      if (now) {
        OMRSYNC_TRY(others, referrers(tx, each->root, *now));
        const bool stays = !others.empty() || each->root.table == "users";
        in_the_way[each->root] = std::move(others);
        if (stays) continue;
        now.reset();
        moved = true;
      }
      each = nullptr;
    }
  }
  for (const ports::RootWrite* each : waiting) {
    if (each == nullptr) continue;
    std::vector<RootKey>& others = in_the_way[each->root];
    if (others.empty()) others.push_back(each->root);
    for (const RootKey& other : others) notices.push_back({ports::PutNotice::Kind::dangling_parent, each->root, other});
    keep(each->root, *rows_.at(each->root).now);
  }
  return Done{};
}

/// The first few roots that name this one or a row that it owns, as they will be after this unit.
Result<std::vector<RootKey>> Unit::referrers(ports::StoreTransaction& tx, const RootKey& root, const Row& row) const {
  std::vector<RootKey> found;
  const auto add = [&](const RootKey& other) {
    if (other != root && std::find(found.begin(), found.end(), other) == found.end()) found.push_back(other);
  };
  const std::set<std::string> keys = References::keys_of(root, row);
  for (const auto& [other, held] : rows_) {
    if (!held.now || found.size() >= kNamed) continue;
    const std::set<std::string> named = core_.references.of(other, *held.now);
    if (std::any_of(named.begin(), named.end(), [&](const auto& key) { return keys.contains(key); })) add(other);
  }
  for (const std::string& key : keys) {
    const std::string prefix = refers_prefix(key);
    OMRSYNC_CHECK(
        tx.scan(tables::kRefers, prefix, ports::end_of_prefix(prefix), SIZE_MAX, [&](const ports::Entry& entry) {
          const RootKey other = root_from(entry.value);
          if (!rows_.contains(other)) add(other);
          return found.size() < kNamed;
        }));
  }
  return found;
}

/// Voids or retires the row, where its table knows that. It says no date and nobody's name, so that nodes that keep it
/// without knowledge of one another write the same.
void Unit::keep(const RootKey& root, Row& row) const {
  GroupValue& life = row.groups[kLifeGroup];
  const auto known = core_.options.model->schema.find(root.table);
  const auto has = [&](std::string_view column) {
    return find_cell(life, column).has_value() ||
           (known != core_.options.model->schema.end() && known->second.find(column) != nullptr);
  };
  const auto any = [&](std::initializer_list<std::string_view> names) {
    const auto name = std::find_if(names.begin(), names.end(), has);
    return name == names.end() ? std::string_view() : *name;
  };
  const std::string_view flag = any({"voided", "retired"});
  const std::string_view reason = any({"void_reason", "retire_reason", "retired_reason"});
  if (flag.empty() || find_cell(life, flag) == "1") return;
  std::vector<NamedCell> cells{{flag, "1"}};
  if (!reason.empty()) cells.push_back({reason, kReason});
  life = merge_cells(life, encode_cells(std::move(cells)));
}

std::map<GroupName, std::uint64_t> Unit::hashes_of(const ports::RootWrite& write) const {
  std::map<GroupName, std::uint64_t> hashes;
  const Held& held = rows_.at(write.root);
  if (!held.now) return hashes;
  for (const auto& [name, value] : held.now->groups) {
    const bool asked = write.purge ? name == kLifeGroup : write.groups.contains(name);
    if (asked || !held.before) hashes.emplace(name, core_.hash(value));
  }
  return hashes;
}

Status Unit::commit(const std::string& payload) {
  OMRSYNC_CHECK(usable());
  if (refused_) return end({Remedy::stop_node, Code::defect, "a refused unit of work was to be committed"});
  auto tx = core_.store.write();
  if (!tx) return end(tx.error());
  if (auto written = write_all(**tx, payload); !written) return end(written.error());
  if (auto committed = (*tx)->commit(); !committed) return end(committed.error());
  over_ = true;
  core_.unlock_all(this);
  core_.ring();
  return Done{};
}

Status Unit::write_all(ports::StoreTransaction& tx, const std::string& payload) {
  std::map<std::string, std::int64_t> grown;
  for (auto& [root, held] : rows_) {
    if (same(held.before, held.now)) continue;
    OMRSYNC_CHECK(write_row(tx, root, held));
    if (held.before.has_value() != held.now.has_value()) grown[root.table] += held.now ? 1 : -1;
  }
  for (const auto& [table, by] : grown) {
    const std::string name = std::string(kCountOf) + table;
    OMRSYNC_TRY(rows, meta_number(tx, name));
    OMRSYNC_CHECK(tx.put(tables::kMeta, name, number_key(rows + static_cast<std::uint64_t>(by))));
  }
  return write_log(tx, payload);
}

/// The row, and what it refers to.
Status Unit::write_row(ports::StoreTransaction& tx, const RootKey& root, Held& held) {
  const std::string place = root_bytes(root);
  if (held.now && !held.before) {
    OMRSYNC_TRY(ever, meta_number(tx, kRowsEver));
    held.now->number = ever + 1;
    OMRSYNC_CHECK(tx.put(tables::kMeta, kRowsEver, number_key(ever + 1)));
  }
  const std::uint64_t number = (held.now ? held.now : held.before)->number;
  const auto refers = [&](const std::optional<Row>& row) {
    return row ? core_.references.of(root, *row) : std::set<std::string>();
  };
  const std::set<std::string> before = refers(held.before), now = refers(held.now);
  for (const std::string& key : before) {
    const std::string entry = refers_prefix(key) + number_key(number);
    if (!now.contains(key)) OMRSYNC_CHECK(tx.erase(tables::kRefers, entry, ports::after(entry)));
  }
  for (const std::string& key : now)
    if (!before.contains(key)) OMRSYNC_CHECK(tx.put(tables::kRefers, refers_prefix(key) + number_key(number), place));
  if (!held.now) return tx.erase(tables::kRows, place, ports::after(place));
  return tx.put(tables::kRows, place, encode(*held.now));
}

/// The marker and what the log shows; what capture has taken is dropped.
Status Unit::write_log(ports::StoreTransaction& tx, const std::string& payload) {
  Commit commit{core_.clock.utc().count(), marker_, payload, {}};
  for (const auto& [root, held] : rows_)
    if (!same(held.before, held.now)) commit.roots.push_back(change_of(root, held));
  if (commit.roots.empty() && marker_.empty()) return Done{};
  OMRSYNC_TRY(commits, meta_number(tx, kCommits));
  const std::string number = number_key(commits + 1);
  OMRSYNC_CHECK(tx.put(tables::kMeta, kCommits, number));
  OMRSYNC_CHECK(tx.put(tables::kLog, number, encode(commit)));
  if (!marker_.empty()) OMRSYNC_CHECK(tx.put(tables::kMarkers, marker_, number));
  if (!core_.options.taken) return Done{};
  OMRSYNC_TRY(taken, core_.options.taken(tx));
  if (!taken || taken->file != position_of(0).file) return Done{};
  return tx.erase(tables::kLog, number_key(0), number_key(taken->offset + 1));
}

ports::RootChange Unit::change_of(const RootKey& root, const Held& held) const {
  using Kind = ports::RootChange::Kind;
  ports::RootChange change{root,
                           (held.now ? held.now : held.before)->number,
                           !held.before ? Kind::created
                           : !held.now  ? Kind::purged
                                        : Kind::written,
                           {}};
  std::map<GroupName, ports::GroupChange> groups;
  if (held.before)
    for (const auto& [name, value] : held.before->groups)
      groups[name] = {name, core_.hash(value), std::nullopt, value, std::nullopt};
  if (held.now)
    for (const auto& [name, value] : held.now->groups) {
      ports::GroupChange& group = groups[name];
      group.group = name;
      group.after = core_.hash(value);
      if (held.before) group.after_value = value;
    }
  for (auto& [name, group] : groups)
    if (group.before != group.after) change.groups.push_back(std::move(group));
  return change;
}

}  // namespace omrsync::repository
