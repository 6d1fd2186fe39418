#include "adapters/mysql/change_pieces.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "adapters/mysql/snapshot_rows.h"
#include "protocol/cells.h"

namespace omrsync::mysql {

using openmrs::TablePlan;
using openmrs::Wanted;
using ports::GroupChange;
using ports::RootChange;

/// The roots of one piece, each once, in the order in which they are first touched.
class PieceResolver::Roots {
 public:
  RootChange& at(const RootKey& root, std::uint64_t local_id) {
    const auto [place, fresh] = places_.emplace(root, changes_.size());
    if (fresh) {
      changes_.emplace_back();
      changes_.back().root = root;
      born_.push_back(false);
    }
    RootChange& change = changes_[place->second];
    if (local_id != 0) change.local_id = local_id;
    return change;
  }

  void inserted(RootChange& change) {
    const std::size_t place = place_of(change);
    // Deleted and inserted again within one transaction (link rows are, in ordinary work): it is there all the time.
    if (change.kind == RootChange::Kind::purged && !born_[place]) {
      change.kind = RootChange::Kind::written;
      return;
    }
    change.kind = RootChange::Kind::created;
    born_[place] = true;
  }

  void deleted(RootChange& change) { change.kind = RootChange::Kind::purged; }

  std::vector<RootChange> finish() {
    std::vector<RootChange> kept;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      RootChange& change = changes_[i];
      if (change.kind == RootChange::Kind::purged && born_[i]) continue;  // it never was
      if (change.kind == RootChange::Kind::written) {
        std::erase_if(change.groups, [](const GroupChange& group) { return group.before == group.after; });
        if (change.groups.empty()) continue;
      }
      kept.push_back(std::move(change));
    }
    return kept;
  }

 private:
  std::size_t place_of(const RootChange& change) const { return static_cast<std::size_t>(&change - changes_.data()); }

  std::map<RootKey, std::size_t> places_;
  std::vector<RootChange> changes_;
  std::vector<bool> born_;
};

namespace {

/// Several events of one group within a piece are one change: what stood before the first, what stands after the last.
void merge(RootChange& change, GroupChange group) {
  for (GroupChange& known : change.groups)
    if (known.group == group.group) {
      known.after = group.after;
      known.after_value = std::move(group.after_value);
      return;
    }
  change.groups.push_back(std::move(group));
}

std::string without_cell(std::string_view value, std::string_view column) {
  std::vector<NamedCell> kept;
  for_each_cell(value, [&](NamedCell cell) {
    if (cell.column != column) kept.push_back(cell);
  });
  return encode_cells(std::move(kept));
}

constexpr const char* kAuthorColumns[] = {"changed_by", "voided_by", "retired_by", "creator"};

}  // namespace

PieceResolver::PieceResolver(Connection& connection, const Compiled& compiled, KeyCache& cache,
                             std::shared_ptr<const Aliases> aliases)
    : connection_(connection), cache_(cache), compiled_(compiled), references_(compiled_, &cache, aliases) {
  if (aliases != nullptr)
    for (const auto& [from, to] : *aliases) other_names_.emplace(RootKey{from.first, to}, from.second);
}

Status PieceResolver::resolve(std::span<RawPiece> pieces) {
  std::set<const TablePlan*> typed;
  for (const RawPiece& piece : pieces)
    for (const RawRow& row : piece.rows)
      if (!row.plan->typed.empty()) typed.insert(row.plan);
  OMRSYNC_CHECK(references_.read_types(connection_, typed));
  learn(pieces);
  OMRSYNC_CHECK(find(pieces));
  forget_deleted(pieces);
  for (RawPiece& piece : pieces) tell(piece);
  return Done{};
}

/// A number of a row that is gone must not be remembered for the next one who asks.
void PieceResolver::forget_deleted(std::span<RawPiece> pieces) {
  for (const RawPiece& piece : pieces)
    for (const RawRow& row : piece.rows) {
      if (row.before.empty()) continue;
      const auto local = openmrs::local_key(*row.plan, row.before);
      const auto key = openmrs::reference_key(*row.plan, row.before);
      const bool renamed = !row.after.empty() && key != openmrs::reference_key(*row.plan, row.after);
      if (local && (row.after.empty() || renamed)) cache_.forget(*row.plan, *local, key.value_or(""));
    }
}

/// Rows tell their own keys; a row that is gone by now can be known from here only.
void PieceResolver::learn(std::span<RawPiece> pieces) {
  for (const RawPiece& piece : pieces)
    for (const RawRow& row : piece.rows) {
      const Row& image = row.after.empty() ? row.before : row.after;
      const auto local = openmrs::local_key(*row.plan, image);
      auto key = openmrs::reference_key(*row.plan, image);
      if (local && key) references_.know_key(*row.plan, *local, std::move(*key));
    }
}

Status PieceResolver::find(std::span<RawPiece> pieces) {
  std::vector<Wanted> wanted;
  const TablePlan* users = compiled_.plans.find("users");
  for (const RawPiece& piece : pieces) {
    for (const RawRow& row : piece.rows) {
      for (const Row* image : {&row.before, &row.after}) {
        if (image->empty()) continue;
        if (row.plan->owner && (*image)[*row.plan->owner])
          wanted.push_back({row.plan->root_plan, *(*image)[*row.plan->owner]});
        const bool value_needed = !row.before.empty() || row.plan->part->identity == openmrs::Identity::natural;
        if (value_needed) openmrs::wanted_keys(compiled_.plans, *row.plan, *image, references_, wanted);
      }
    }
    if (users == nullptr || piece.rows.empty()) continue;
    const RawRow& first = piece.rows.front();
    for (const char* name : kAuthorColumns)
      if (const auto* column = first.plan->find_column(name); column != nullptr && !first.after.empty())
        if (const auto& cell = first.after[column->index]) wanted.push_back({users, *cell});
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return references_.find_keys(connection_, std::move(wanted));
}

std::string PieceResolver::author_of(const RawPiece& piece) const {
  const TablePlan* users = compiled_.plans.find("users");
  if (users == nullptr || piece.rows.empty() || piece.rows.front().after.empty()) return {};
  const RawRow& first = piece.rows.front();
  for (const char* name : kAuthorColumns)
    if (const auto* column = first.plan->find_column(name))
      if (const auto& cell = first.after[column->index])
        if (const auto key = references_.key_of(*users, *cell)) return std::string(*key);
  return {};
}

void PieceResolver::tell(RawPiece& piece) {
  Roots roots;
  for (const RawRow& row : piece.rows) tell_row(row, roots, piece.piece);
  piece.piece.roots = roots.finish();
  if (!other_names_.empty()) add_other_names(piece.piece.roots);
  piece.piece.author = author_of(piece);
  piece.rows.clear();
}

/// A row that stands for another node's (D19) changes under both names. The core users do not: what another node's
/// admin is called does not change with ours.
void PieceResolver::add_other_names(std::vector<RootChange>& roots) const {
  std::vector<RootChange> more;
  for (const RootChange& change : roots) {
    if (change.root.table == "users") continue;
    const auto [first, last] = other_names_.equal_range(change.root);
    for (auto name = first; name != last; ++name) {
      RootChange& other = more.emplace_back(change);
      other.root.key = name->second;
      for (GroupChange& group : other.groups) {
        if (group.group != kLifeGroup) continue;
        for (std::optional<GroupValue>* value : {&group.before_value, &group.after_value})
          if (*value) *value = without_cell(**value, "uuid");
      }
    }
  }
  std::move(more.begin(), more.end(), std::back_inserter(roots));
}

void PieceResolver::tell_row(const RawRow& row, Roots& roots, ports::LogPiece& piece) {
  if (!row.plan->is_root()) return tell_owned_row(row, roots, piece);
  const bool home_before = row.before.empty() || openmrs::stays_home(*row.plan, row.before);
  const bool home_after = row.after.empty() || openmrs::stays_home(*row.plan, row.after);
  if (home_before && home_after) return;
  tell_root_row(row, roots, piece);
}

void PieceResolver::tell_root_row(const RawRow& row, Roots& roots, ports::LogPiece& piece) {
  const auto key_of = [&](const Row& image) {
    return image.empty() ? std::optional<std::string>{} : openmrs::key_of_row(*row.plan, image, references_);
  };
  const auto before = key_of(row.before), after = key_of(row.after);
  const std::string& table = row.plan->table->name;
  if ((!row.before.empty() && !before) || (!row.after.empty() && !after)) {
    piece.problems.push_back(
        {table, number_of(*row.plan, row.after.empty() ? row.before : row.after), Code::mapping_bad_uuid});
    return;
  }
  if (before && after && *before == *after) {
    RootChange& change = roots.at({table, *after}, number_of(*row.plan, row.after));
    tell_groups(*row.plan, &row.before, &row.after, *before, *after, change);
    return;
  }
  if (before) {
    RootChange& change = roots.at({table, *before}, number_of(*row.plan, row.before));
    tell_groups(*row.plan, &row.before, nullptr, *before, "", change);
    roots.deleted(change);
  }
  if (after) {
    RootChange& change = roots.at({table, *after}, number_of(*row.plan, row.after));
    tell_groups(*row.plan, nullptr, &row.after, "", *after, change);
    roots.inserted(change);
  }
}

std::optional<RootKey> PieceResolver::owner_of(const RawRow& row, const Row& image, std::uint64_t& local_id) const {
  const Cell& owner = image[*row.plan->owner];
  if (!owner) return std::nullopt;
  const auto key = references_.key_of(*row.plan->root_plan, *owner);
  // An owner that nobody knows was deleted since, and its own deletion comes later in the log.
  if (!key) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : *owner)
    number = c >= '0' && c <= '9' ? number * 10 + static_cast<std::uint64_t>(c - '0') : number;
  local_id = number;
  return RootKey{row.plan->root_plan->table->name, std::string(*key)};
}

/// A row event marks the owners of both its images: a row that moved left one root and came to another.
void PieceResolver::tell_owned_row(const RawRow& row, Roots& roots, ports::LogPiece& piece) {
  std::optional<RootKey> owner_before, owner_after;
  std::uint64_t id_before = 0, id_after = 0;
  std::optional<std::string> key_before, key_after;
  if (!row.before.empty()) {
    owner_before = owner_of(row, row.before, id_before);
    key_before = openmrs::key_of_row(*row.plan, row.before, references_);
  }
  if (!row.after.empty()) {
    owner_after = owner_of(row, row.after, id_after);
    key_after = openmrs::key_of_row(*row.plan, row.after, references_);
  }
  if ((!row.before.empty() && !key_before) || (!row.after.empty() && !key_after)) {
    piece.problems.push_back({row.plan->table->name, number_of(*row.plan, row.after.empty() ? row.before : row.after),
                              Code::mapping_bad_uuid});
    return;
  }
  if (owner_before && owner_after && *owner_before == *owner_after && key_before == key_after) {
    tell_groups(*row.plan, &row.before, &row.after, *key_before, *key_after, roots.at(*owner_after, id_after));
    return;
  }
  if (owner_before) tell_groups(*row.plan, &row.before, nullptr, *key_before, "", roots.at(*owner_before, id_before));
  if (owner_after) tell_groups(*row.plan, nullptr, &row.after, "", *key_after, roots.at(*owner_after, id_after));
}

void PieceResolver::tell_groups(const TablePlan& plan, const Row* before, const Row* after, std::string_view key_before,
                                std::string_view key_after, RootChange& change) {
  for (const openmrs::GroupPlan& group : plan.groups) {
    GroupChange told;
    told.group = openmrs::group_name(plan, after != nullptr ? key_after : key_before, group);
    if (before != nullptr) told.before = openmrs::local_hash(group, *before, compiled_.hash);
    if (after != nullptr) told.after = openmrs::local_hash(group, *after, compiled_.hash);
    if (told.before && told.before == told.after) continue;
    if (before != nullptr)
      told.before_value = openmrs::wire_value(compiled_.plans, plan, group, *before, key_before, references_);
    if (before != nullptr && after != nullptr)
      told.after_value = openmrs::wire_value(compiled_.plans, plan, group, *after, key_after, references_);
    merge(change, std::move(told));
  }
}

}  // namespace omrsync::mysql
