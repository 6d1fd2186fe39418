// What apply does next: sets that came, rows that are to be put right, and when to leave the database to others.
#include <algorithm>
#include <set>

#include "node/apply/apply_worker.h"
#include "node/apply/landing.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::node {

using ports::StoreTransaction;
using std::chrono::milliseconds;

/// A clinician's transactions must not be slower for us.
bool ApplyWorker::somebody_writes() {
  return world_.shared.progress.with(
      [&](Progress& p) { return p.local_write_at && world_.clock.steady() - *p.local_write_at < tuning::kPoliteFor; });
}

Result<std::optional<ApplyWorker::Work>> ApplyWorker::load_work(StoreTransaction& tx, const std::string& key) {
  OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, key));
  if (!item) return std::optional<Work>{};
  Work work{key, std::move(*item), {}};
  auto states = inbox_states(tx, world_, key);
  if (!states) {
    const Error error = states.error();
    if (error.remedy != Remedy::set_aside) return error;  // the store's trouble, not the set's
    OMRSYNC_CHECK(set_aside(work, error));
    return std::optional<Work>{};
  }
  work.states = std::move(states).value();
  return std::optional<Work>(std::move(work));
}

/// Roots that whoever sent them may not write (I-7). Asked when a set is about to be applied, so that what was received
/// before a grant was changed, or is tried again, is held to the grant of this moment.
Result<std::vector<ports::PutProblem>> ApplyWorker::not_granted(const std::vector<Work>& works) {
  std::vector<ports::PutProblem> problems;
  OMRSYNC_TRY(tx, world_.store.read());
  for (const Work& work : works) {
    OMRSYNC_TRY(grant, grant_up(*tx, work.key, work.item));
    if (grant.clinical && grant.metadata) continue;
    for (const auto& [root, state] : work.states) {
      OMRSYNC_TRY(kind, classes_.of(root.table));
      if (!grant.covers(kind))
        problems.push_back({root, Code::grant_missing, {}, "its sender may not write " + root.table});
    }
  }
  return problems;
}

/// The next sets in link order that are neither held nor touch a root in flight.
Result<std::vector<ApplyWorker::Work>> ApplyWorker::choose() {
  std::vector<std::string> keys;
  const milliseconds now = world_.clock.steady();
  {
    OMRSYNC_TRY(tx, world_.store.read());
    std::size_t roots = 0;
    std::set<RootKey> passed_over;
    OMRSYNC_CHECK(tx->scan(tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      if (world_.shared.progress.with([&](Progress& p) { return p.committed.contains(std::string(entry.key)); }))
        return true;
      const auto item = decode_record<InboxItem>(entry.value);
      if (!item || item->state != InboxItem::State::waiting) return true;
      const auto pause = not_before_.find(std::string(entry.key));
      const bool free = (pause == not_before_.end() || pause->second <= now) && !world_.shared.flies(item->roots) &&
                        std::none_of(item->roots.begin(), item->roots.end(),
                                     [&](const RootKey& root) { return passed_over.contains(root); });
      if (!free) {  // what comes later for the same root waits behind it
        passed_over.insert(item->roots.begin(), item->roots.end());
        return passed_over.size() < 10'000;
      }
      if (!keys.empty() && roots + item->roots.size() > tuning::kApplyRoots) return false;
      keys.emplace_back(entry.key);
      roots += item->roots.size();
      return keys.size() < tuning::kApplySets;
    }));
  }
  std::vector<Work> works;
  for (const std::string& key : keys) {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(work, load_work(*tx, key));
    if (work) works.push_back(std::move(*work));
  }
  return works;
}

/// Roots whose row is not what is to be shown, a few at a time.
Result<std::vector<RootKey>> ApplyWorker::repairs() {
  std::vector<RootKey> roots;
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_CHECK(tx->scan(tables::kRepairs, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    RootKey root = tables::root_from(entry.key);
    if (!world_.shared.flies({&root, 1})) roots.push_back(std::move(root));
    return roots.size() < tuning::kApplySets;
  }));
  return roots;
}

void ApplyWorker::busy(const std::vector<Work>& works) {
  const milliseconds now = world_.clock.steady();
  std::erase_if(not_before_, [&](const auto& each) { return each.second + tuning::kApplyBusyMost < now; });
  for (const Work& work : works)
    not_before_[work.key] = now + tuning::kApplyBusyFirst + milliseconds(world_.entropy.next() % 20);
}

}  // namespace omrsync::node
