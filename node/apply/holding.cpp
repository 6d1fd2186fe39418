// What becomes of sets that cannot be applied as they are: held, split, closed into a cycle, quarantined.
#include <algorithm>
#include <map>
#include <set>

#include "node/apply/apply_worker.h"
#include "node/apply/keeping.h"
#include "node/apply/landing.h"
#include "node/plant.h"
#include "node/store/facts.h"

namespace omrsync::node {

using ports::PutProblem;
using ports::StoreTransaction;

Result<ApplyWorker::Did> ApplyWorker::refused(std::vector<Work>& works, const std::vector<PutProblem>& problems,
                                              bool alone) {
  if (!alone && works.size() > 1) {
    for (Work& work : works) {
      std::vector<Work> one;
      one.push_back(std::move(work));
      const Result<Did> did = apply(one, true);
      if (!did && did.error().remedy == Remedy::stop_node) return did.error();
    }
    return Did::applied;
  }
  Work& work = works.front();
  const bool wholly_forbidden = problems.size() == work.states.size() && problems.front().code == Code::grant_missing;
  if (work.item.load && work.states.size() > 1 && works.size() == 1 && !wholly_forbidden) {
    OMRSYNC_CHECK(split_container(work, problems));
    return Did::applied;
  }
  const auto hopeless = std::find_if(problems.begin(), problems.end(), [](const auto& p) { return p.missing.empty(); });
  const PutProblem& told = hopeless == problems.end() ? problems.front() : *hopeless;
  PutProblem all = told;
  if (hopeless == problems.end()) {
    std::set<RootKey> missing;
    for (const PutProblem& problem : problems) missing.insert(problem.missing.begin(), problem.missing.end());
    all.missing.assign(missing.begin(), missing.end());
  }
  OMRSYNC_TRY(set_down, hold_or_quarantine(work, all));
  if (!set_down || all.missing.empty()) return Did::applied;
  OMRSYNC_TRY(closed, close_cycle(work));
  (void)closed;
  return Did::applied;
}

/// A target came between our look and now: capture, which wakes those that wait, has passed it already. Told once for
/// each target, so that a ledger that knows more than the database is not asked for ever.
Result<bool> ApplyWorker::came_meanwhile(StoreTransaction& tx, const std::string& key,
                                         const std::vector<RootKey>& missing) {
  constexpr std::size_t kRemembered = 10'000;
  if (come_.size() > kRemembered) come_.clear();
  for (const RootKey& root : missing) {
    OMRSYNC_TRY(row, ledger_row(tx, root));
    if (row && !row->hashes.empty() && come_.emplace(key, root).second) return true;
  }
  return false;
}

/// False: it is tried again at once.
Result<bool> ApplyWorker::hold_or_quarantine(Work& work, const PutProblem& problem) {
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(item, get_record<InboxItem>(*tx, tables::kInbox, work.key));
  if (!item) return false;
  OMRSYNC_TRY(came, came_meanwhile(*tx, work.key, problem.missing));
  if (came) return false;
  const bool held = !problem.missing.empty();
  if (held && OMRSYNC_PLANTED(held_dropped)) {
    OMRSYNC_CHECK(finish_item(*tx, world_, work.key, {}));
    OMRSYNC_CHECK(tx->commit());
    return false;
  }
  item->state = held ? InboxItem::State::held : InboxItem::State::quarantined;
  item->code = static_cast<std::uint32_t>(held ? Code::reference_missing : problem.code);
  item->reason = problem.reason;
  item->waits_for = problem.missing;
  ++item->tries;
  if (held) OMRSYNC_CHECK(ask_for_purged(*tx, *item, link_place(work.key).link));
  for (const RootKey& root : problem.missing)
    OMRSYNC_CHECK(tx->put(tables::kWaits, tables::root_and(root, work.key), ""));
  for (const RootKey& root : item->roots) OMRSYNC_CHECK(tx->put(tables::kBrings, tables::root_and(root, work.key), ""));
  if (!item->told) {
    Outcome outcome;
    const LinkPlace place = link_place(work.key);
    outcome.number = place.number;
    outcome.state = held ? Outcome::State::held : Outcome::State::quarantined;
    outcome.code = item->code;
    outcome.reason = item->reason;
    for (const RootKey& root : problem.missing) outcome.waits_for.push_back(root.table + "/" + root.key);
    if (place.part == 0) OMRSYNC_CHECK(tell_outcome(*tx, place.link, outcome));
    item->told = true;
  }
  work.item = *item;
  OMRSYNC_CHECK(put_record(*tx, tables::kInbox, work.key, *item));
  OMRSYNC_CHECK(tx->commit());
  world_.shared.changed.ring();
  return true;
}

/// A target that was purged here does not come by itself: the set says so, and its sender is asked for it, once (D30).
Status ApplyWorker::ask_for_purged(StoreTransaction& tx, InboxItem& item, const std::string& link) {
  bool purged = false;
  for (const RootKey& root : item.waits_for) {
    OMRSYNC_TRY(row, ledger_row(tx, root));
    if (!row || !tombstone_of(*row)) continue;
    purged = true;
    if (!item.asked) OMRSYNC_CHECK(offer_again(tx, world_, link, root, *row));
  }
  if (!purged) return Done{};
  item.asked = true;
  item.code = static_cast<std::uint32_t>(Code::reference_tombstone);
  item.reason = "it refers to a row that was purged; its sender was asked for that row";
  return Done{};
}

namespace {

/// True when one of these targets is on no way here that is known: trying the set, or closing a cycle with it, is in
/// vain until that one comes.
Result<bool> nobody_brings(StoreTransaction& tx, const std::vector<RootKey>& missing,
                           const std::map<RootKey, const PutProblem*>& beside) {
  for (const RootKey& root : missing) {
    if (beside.contains(root)) continue;
    const std::string prefix = tables::root_and(root, "");
    bool brought = false;
    OMRSYNC_CHECK(tx.scan(tables::kBrings, prefix, ports::end_of_prefix(prefix), 1, [&](const ports::Entry&) {
      brought = true;
      return false;
    }));
    if (!brought) return true;
  }
  return false;
}

}  // namespace

/// An entry set apart whose targets are known to be missing is held at once: hundreds of them cost one commit.
Status ApplyWorker::hold_apart(StoreTransaction& tx, InboxItem& item, const std::string& key,
                               const PutProblem& problem) {
  item.state = InboxItem::State::held;
  item.code = static_cast<std::uint32_t>(Code::reference_missing);
  item.reason = problem.reason;
  item.waits_for = problem.missing;
  item.told = true;
  ++item.tries;
  OMRSYNC_CHECK(ask_for_purged(tx, item, link_place(key).link));
  for (const RootKey& root : item.waits_for) OMRSYNC_CHECK(tx.put(tables::kWaits, tables::root_and(root, key), ""));
  for (const RootKey& root : item.roots) OMRSYNC_CHECK(tx.put(tables::kBrings, tables::root_and(root, key), ""));
  return Done{};
}

/// A container's bad entries become items of their own, so that each waits alone; the rest is tried again at once.
Status ApplyWorker::split_container(Work& work, const std::vector<PutProblem>& problems) {
  std::map<RootKey, const PutProblem*> bad;
  for (const PutProblem& problem : problems) bad.emplace(problem.root, &problem);
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(bytes, tx->get(tables::kInboxBody, work.key));
  OMRSYNC_TRY(item, get_record<InboxItem>(*tx, tables::kInbox, work.key));
  if (!bytes || !item) return Done{};
  OMRSYNC_TRY(envelope, decode_envelope(*bytes));
  LinkPlace place = link_place(work.key);
  OMRSYNC_TRY(last, tx->last(tables::kInbox, link_key(place.link, place.number, 0),
                             link_key(place.link, place.number, UINT32_MAX)));
  std::uint32_t part = last ? link_place(last->first).part : 0;
  Envelope rest = envelope;
  rest.entries.clear();
  std::vector<RootKey> good;
  for (Entry& entry : envelope.entries) {
    if (!bad.contains(entry.root) && bad.size() < envelope.entries.size()) {
      good.push_back(entry.root);
      rest.entries.push_back(std::move(entry));
      continue;
    }
    Envelope single = rest;
    single.entries.clear();
    InboxItem apart = *item;
    apart.load = false;
    apart.roots = {entry.root};
    single.entries.push_back(std::move(entry));
    const std::string key = link_key(place.link, place.number, ++part);
    if (const auto problem = bad.find(apart.roots.front()); problem != bad.end()) {
      OMRSYNC_TRY(lonely, nobody_brings(*tx, problem->second->missing, bad));
      OMRSYNC_TRY(came, came_meanwhile(*tx, key, problem->second->missing));
      if (lonely && !came) OMRSYNC_CHECK(hold_apart(*tx, apart, key, *problem->second));
    }
    OMRSYNC_CHECK(tx->put(tables::kInboxBody, key, encode_envelope(single)));
    OMRSYNC_CHECK(put_record(*tx, tables::kInbox, key, apart));
  }
  item->roots = good;
  OMRSYNC_CHECK(tx->put(tables::kInboxBody, work.key, encode_envelope(rest)));
  OMRSYNC_CHECK(put_record(*tx, tables::kInbox, work.key, *item));
  if (good.empty()) OMRSYNC_CHECK(finish_item(*tx, world_, work.key, {}));
  return tx->commit();
}

namespace {

/// The held sets that `first` needs, and those that they need; empty when something is missing that none of them
/// brings.
Result<std::vector<std::string>> closure_of(StoreTransaction& tx, const std::string& first) {
  std::vector<std::string> members{first};
  for (std::size_t i = 0; i < members.size(); ++i) {
    OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, members[i]));
    if (!item) return std::vector<std::string>{};
    for (const RootKey& missing : item->waits_for) {
      const std::string prefix = tables::root_and(missing, "");
      std::string bringer;
      OMRSYNC_CHECK(tx.scan(tables::kBrings, prefix, ports::end_of_prefix(prefix), 1, [&](const ports::Entry& e) {
        bringer = tables::behind_root(e.key);
        return false;
      }));
      if (bringer.empty()) return std::vector<std::string>{};
      if (std::find(members.begin(), members.end(), bringer) == members.end()) members.push_back(bringer);
    }
  }
  return members;
}

/// A member needs something that was not known when it was held. True: that is news.
Result<bool> add_missing(StoreTransaction& tx, const std::string& key, const std::vector<RootKey>& missing) {
  OMRSYNC_TRY(item, get_record<InboxItem>(tx, tables::kInbox, key));
  if (!item) return false;
  bool news = false;
  for (const RootKey& root : missing) {
    if (std::find(item->waits_for.begin(), item->waits_for.end(), root) != item->waits_for.end()) continue;
    news = true;
    item->waits_for.push_back(root);
    OMRSYNC_CHECK(tx.put(tables::kWaits, tables::root_and(root, key), ""));
  }
  if (news) OMRSYNC_CHECK(put_record(tx, tables::kInbox, key, *item));
  return news;
}

}  // namespace

/// Held sets that wait only for one another are applied together, in one transaction (D8, R14, R15): the closure of
/// this one, and again with what it turns out to need. False: something that nobody brings is missing.
Result<bool> ApplyWorker::close_cycle(Work& work) {
  if (OMRSYNC_PLANTED(no_closure)) return false;
  for (;;) {
    std::vector<std::string> members;
    std::vector<Work> closure;
    {
      OMRSYNC_TRY(tx, world_.store.read());
      OMRSYNC_TRY(found, closure_of(*tx, work.key));
      members = std::move(found);
      if (members.size() < 2) return false;
      for (const std::string& key : members) {
        OMRSYNC_TRY(one, load_work(*tx, key));
        if (!one) return false;
        closure.push_back(std::move(*one));
      }
    }
    ApplyPlan plan;
    std::vector<PutProblem> problems;
    const auto did = in_unit(closure, {}, plan, problems);
    if (did && *did == Did::applied) return true;
    if (!did) world_.log.failure(ports::Level::warning, "apply.closure_failed", did.error());
    OMRSYNC_TRY(tx, world_.store.write());
    bool news = false;
    for (const PutProblem& problem : problems)
      for (const Work& member : closure)
        if (std::any_of(member.states.begin(), member.states.end(),
                        [&](const auto& each) { return each.first == problem.root; })) {
          OMRSYNC_TRY(added, add_missing(*tx, member.key, problem.missing));
          news = news || added;
        }
    if (problems
            .empty()) {  // the transaction could not be made now: this one is tried again, and closes the cycle then
      OMRSYNC_TRY(item, get_record<InboxItem>(*tx, tables::kInbox, work.key));
      if (item) {
        item->state = InboxItem::State::waiting;
        OMRSYNC_CHECK(put_record(*tx, tables::kInbox, work.key, *item));
      }
    }
    OMRSYNC_CHECK(tx->commit());
    if (news) continue;
    for (const PutProblem& problem : problems)
      world_.log.warning("apply.closure_refused", {{"table", problem.root.table},
                                                   {"code", problem.code},
                                                   {"missing", problem.missing.size()},
                                                   {"sets", members.size()}});
    return false;
  }
}

/// A set that cannot even be read.
Status ApplyWorker::set_aside(Work& work, const Error& error) {
  PutProblem problem;
  problem.code = error.code;
  problem.reason = error.message;
  OMRSYNC_TRY(set_down, hold_or_quarantine(work, problem));
  (void)set_down;
  return Done{};
}

}  // namespace omrsync::node
