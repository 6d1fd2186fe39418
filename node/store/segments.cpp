#include "node/store/segments.h"

#include <algorithm>

#include "node/store/pack.h"
#include "node/store/records.h"
#include "node/store/segment_page.h"
#include "protocol/digest.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

/// So many runs of one level become one of the next. Each root is written once a level.
constexpr std::size_t kFanOut = 4;
/// Roots merged for each one added: a first load of ten million rows has five levels.
constexpr std::size_t kMergedPerAdded = 6;

struct Run {
  std::uint64_t number = 0;
  std::uint64_t level = 0;
  WalkId walk = 0;  ///< who wrote it; 0: several
};

/// The runs of one table. While `merging`, the first so many of `runs` go into `output`: their roots up to `through`
/// are there already.
struct Runs {
  std::uint64_t next = 1;
  std::vector<Run> runs;
  std::uint64_t merging = 0;
  Run output;
  std::string through;

  void pack(Packer& out) const {
    out.number(next).number(runs.size());
    for (const Run& run : runs) out.number(run.number).number(run.level).fixed(run.walk);
    out.number(merging).number(output.number).number(output.level).fixed(output.walk).text(through);
  }
  static Runs unpack(Unpacker& in) {
    Runs all;
    all.next = in.number();
    for (auto left = in.number(); left > 0 && in.sound(); --left) {
      Run& run = all.runs.emplace_back();
      run.number = in.number();
      run.level = in.number();
      run.walk = in.fixed();
    }
    all.merging = in.number();
    all.output.number = in.number();
    all.output.level = in.number();
    all.output.walk = in.fixed();
    all.through = in.text();
    if (all.merging > all.runs.size()) all.merging = 0;
    return all;
  }
};

Result<std::optional<Runs>> runs_of(StoreTransaction& tx, const std::string& table) {
  return get_record<Runs>(tx, tables::kRuns, table);
}

/// Several runs side by side as one, by rising key; of two roots with one key the one of the earlier run.
class Walk {
 public:
  Status start(StoreTransaction& tx, const std::string& table, const std::vector<Run>& runs, std::string_view after) {
    for (const Run& run : runs) {
      readers_.emplace_back(tx, run_prefix(table, run.number));
      OMRSYNC_CHECK(readers_.back().start(after));
    }
    return Done{};
  }

  [[nodiscard]] const MetRoot* root() const {
    const MetRoot* least = nullptr;
    for (const PageReader& reader : readers_)
      if (const MetRoot* each = reader.root(); each != nullptr && (least == nullptr || each->key < least->key))
        least = each;
    return least;
  }

  Status pass(const std::string& key) {
    for (PageReader& reader : readers_)
      if (reader.root() != nullptr && reader.root()->key == key) OMRSYNC_CHECK(reader.next());
    return Done{};
  }

  [[nodiscard]] const std::vector<PageReader>& readers() const noexcept { return readers_; }

 private:
  std::vector<PageReader> readers_;
};

/// Begins to merge the `count` runs from place `first` on.
void begin_merge(Runs& all, std::size_t first, std::size_t count) {
  std::rotate(all.runs.begin(), all.runs.begin() + static_cast<std::ptrdiff_t>(first),
              all.runs.begin() + static_cast<std::ptrdiff_t>(first + count));
  all.merging = count;
  all.output = {all.next++, 0, all.runs.front().walk};
  for (std::size_t i = 0; i < count; ++i) {
    all.output.level = std::max(all.output.level, all.runs[i].level + 1);
    if (all.runs[i].walk != all.output.walk) all.output.walk = 0;
  }
  all.through.clear();
}

/// Runs stand in the order of their age, old and large ones first: those of one level stand together.
bool find_merge(Runs& all) {
  for (std::size_t first = 0; first < all.runs.size();) {
    std::size_t end = first;
    while (end < all.runs.size() && all.runs[end].level == all.runs[first].level) ++end;
    if (end - first >= kFanOut) {
      begin_merge(all, first, end - first);
      return true;
    }
    first = end;
  }
  return false;
}

void end_merge(Runs& all) {
  all.runs.erase(all.runs.begin(), all.runs.begin() + static_cast<std::ptrdiff_t>(all.merging));
  const auto place =
      std::find_if(all.runs.begin(), all.runs.end(), [&](const Run& run) { return run.level < all.output.level; });
  all.runs.insert(place, all.output);
  all.merging = 0;
  all.through.clear();
}

/// Goes on with the merge by at most `roots`; what is moved leaves its old pages as soon as a page holds nothing else.
Status merge_some(StoreTransaction& tx, const std::string& table, Runs& all, std::size_t& roots) {
  const std::vector<Run> inputs(all.runs.begin(), all.runs.begin() + static_cast<std::ptrdiff_t>(all.merging));
  Walk walk;
  OMRSYNC_CHECK(walk.start(tx, table, inputs, all.through));
  PageWriter output(tx, run_prefix(table, all.output.number));
  for (; roots > 0 && walk.root() != nullptr; --roots) {
    MetRoot root = *walk.root();
    all.through = root.key;
    OMRSYNC_CHECK(walk.pass(root.key));
    OMRSYNC_CHECK(output.add(std::move(root)));
  }
  OMRSYNC_CHECK(output.finish());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string prefix = run_prefix(table, inputs[i].number);
    const PageReader& reader = walk.readers()[i];
    OMRSYNC_CHECK(
        tx.erase(tables::kSegments, prefix, reader.root() != nullptr ? reader.page() : ports::end_of_prefix(prefix)));
  }
  if (walk.root() == nullptr) end_merge(all);
  return Done{};
}

Result<std::optional<MetRoot>> find_in_run(StoreTransaction& tx, const std::string& table, const Run& run,
                                           std::string_view key) {
  const std::string prefix = run_prefix(table, run.number);
  OMRSYNC_TRY(page, tx.last(tables::kSegments, prefix, ports::after(prefix + std::string(key))));
  if (!page) return std::optional<MetRoot>{};
  return find_in_page(page->second, key);
}

/// Runs in which `key` can stand.
std::vector<Run> runs_for(const Runs& all, std::string_view key) {
  std::vector<Run> runs;
  const bool moved = all.merging > 0 && !all.through.empty() && key <= all.through;
  if (moved) runs.push_back(all.output);
  runs.insert(runs.end(), all.runs.begin() + static_cast<std::ptrdiff_t>(moved ? all.merging : 0), all.runs.end());
  return runs;
}

}  // namespace

WalkId walk_of(std::string_view name) {
  const std::string digest = sha256(name);
  const WalkId id = tables::number_from(std::string_view(digest).substr(0, 8));
  return id == 0 ? 1 : id;
}

Status add_segment(StoreTransaction& tx, const std::string& table, WalkId walk, std::vector<MetRoot> roots) {
  if (roots.empty()) return Done{};
  std::stable_sort(roots.begin(), roots.end(), [](const MetRoot& a, const MetRoot& b) { return a.key < b.key; });
  roots.erase(
      std::unique(roots.begin(), roots.end(), [](const MetRoot& a, const MetRoot& b) { return a.key == b.key; }),
      roots.end());
  OMRSYNC_TRY(known, runs_of(tx, table));
  Runs all = known ? std::move(*known) : Runs{};
  const Run run{all.next++, 0, walk};
  std::size_t to_merge = roots.size() * kMergedPerAdded;
  PageWriter writer(tx, run_prefix(table, run.number));
  for (MetRoot& root : roots) OMRSYNC_CHECK(writer.add(std::move(root)));
  OMRSYNC_CHECK(writer.finish());
  all.runs.push_back(run);
  while (to_merge > 0 && (all.merging > 0 || find_merge(all))) OMRSYNC_CHECK(merge_some(tx, table, all, to_merge));
  return put_record(tx, tables::kRuns, table, all);
}

Result<std::optional<LedgerRow>> segment_row(StoreTransaction& tx, const RootKey& root, WalkId ahead_of) {
  OMRSYNC_TRY(all, runs_of(tx, root.table));
  if (!all) return std::optional<LedgerRow>{};
  const std::string key = tables::root_bytes(root).substr(root.table.size() + 1);
  for (const Run& run : runs_for(*all, key)) {
    if (ahead_of != 0 && run.walk == ahead_of) continue;
    OMRSYNC_TRY(found, find_in_run(tx, root.table, run, key));
    if (!found) continue;
    OMRSYNC_TRY(row, unpack_met(*found));
    return std::optional<LedgerRow>(std::move(row));
  }
  return std::optional<LedgerRow>{};
}

Result<bool> tidy_segments(StoreTransaction& tx, std::size_t roots) {
  std::vector<std::pair<std::string, Runs>> untidy;
  Status read = Done{};
  OMRSYNC_CHECK(tx.scan(tables::kRuns, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    auto all = decode_record<Runs>(entry.value);
    if (!all) {
      read = all.error();
      return false;
    }
    if (all->runs.size() > 1) untidy.emplace_back(entry.key, std::move(*all));
    return untidy.empty();
  }));
  OMRSYNC_CHECK(read);
  if (untidy.empty() || roots == 0) return !untidy.empty();
  auto& [table, all] = untidy.front();
  if (all.merging == 0) begin_merge(all, 0, all.runs.size());
  OMRSYNC_CHECK(merge_some(tx, table, all, roots));
  OMRSYNC_CHECK(put_record(tx, tables::kRuns, table, all));
  return true;
}

Result<std::vector<std::string>> segment_roots(StoreTransaction& tx, const std::string& table, std::string_view after,
                                               std::size_t limit) {
  std::vector<std::string> keys;
  OMRSYNC_TRY(all, runs_of(tx, table));
  if (!all) return keys;
  std::vector<Run> runs = all->runs;
  if (all->merging > 0) runs.insert(runs.begin(), all->output);  // what was moved may stand in an old page, too
  const std::string prefix = table + '\0';
  Walk walk;
  OMRSYNC_CHECK(walk.start(tx, table, runs, after.size() > prefix.size() ? after.substr(prefix.size()) : ""));
  while (keys.size() < limit && walk.root() != nullptr) {
    const std::string key = walk.root()->key;
    keys.push_back(prefix + key);
    OMRSYNC_CHECK(walk.pass(key));
  }
  return keys;
}

Result<bool> has_segments(StoreTransaction& tx, const std::string& table) {
  OMRSYNC_TRY(bytes, tx.get(tables::kRuns, table));
  return bytes.has_value();
}

}  // namespace omrsync::node
