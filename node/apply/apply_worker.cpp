#include "node/apply/apply_worker.h"

#include <algorithm>
#include <set>

#include "node/apply/deciding.h"
#include "node/apply/keeping.h"
#include "node/apply/landing.h"
#include "node/capture/take_piece.h"
#include "node/ledger/local.h"
#include "node/plant.h"
#include "node/store/facts.h"
#include "node/tuning.h"

namespace omrsync::node {

using ports::StoreTransaction;
using std::chrono::milliseconds;

Pace ApplyWorker::step(std::stop_token) {
  const std::uint64_t arrived = world_.shared.arrived.rings();
  if (const Status ok = ready(); !ok)
    return Pace::after(ok.error().code == Code::db_lock_busy ? tuning::kApplyBusyFirst : tuning::kApplyIdle);
  const milliseconds began = world_.clock.steady();
  const bool polite = somebody_writes();
  if (polite && world_.shared.anything_flies()) {
    world_.shared.wanted.ring();
    return Pace::until(world_.shared.arrived, arrived, tuning::kApplyBusyFirst);
  }
  Result<std::vector<Work>> works = choose();
  if (!works) return Pace::after(tuning::kApplyIdle);
  if (works->empty() || ++turns_ % tuning::kDecisionEvery == 0)
    if (const auto decided = carry_out(); decided && *decided) return Pace::at_once();
  if (works->empty()) {
    const auto roots = repairs();
    if (!roots) return Pace::after(tuning::kApplyIdle);
    if (roots->empty()) return purge_anew(arrived);
    ApplyPlan plan;
    std::vector<ports::PutProblem> problems;
    const auto repaired = in_unit(*works, *roots, plan, problems);
    return Pace::after(repaired && *repaired == Did::applied ? milliseconds(0) : tuning::kApplyIdle);
  }
  Result<Did> did = apply(*works, works->size() == 1);
  if (!did && works->size() > 1) {
    // One of them stands in the way of the others: each alone, so that nothing unrelated waits.
    for (Work& work : *works) {
      std::vector<Work> one;
      one.push_back(std::move(work));
      did = apply(one, true);
    }
  }
  if (!did) {
    if (did.error().code != Code::db_lock_busy && told_ != did.error().code) {
      world_.log.failure(ports::Level::warning, "apply.failed", did.error());
      told_ = did.error().code;
    }
    backoff_ = std::clamp(backoff_ * 2, tuning::kApplyBusyFirst, tuning::kApplyBusyMost);
    return Pace::after(backoff_);
  }
  backoff_ = milliseconds(0);
  told_.reset();
  if (*did == Did::waits) return Pace::after(tuning::kApplyBusyFirst);
  return polite ? Pace::after((world_.clock.steady() - began) * tuning::kPoliteRest) : Pace::at_once();
}

/// Apply begins when capture has passed the newest marker, and goes on when it has passed what we wait for.
Status ApplyWorker::ready() {
  const Error not_yet{Remedy::retry_later, Code::db_lock_busy, "capture has not come so far yet"};
  if (!started_) {
    OMRSYNC_TRY(end, world_.openmrs.log_end());
    barrier_ = end;
    started_ = true;
  }
  if (!barrier_) return Done{};
  const bool passed = world_.shared.captured(*barrier_);
  if (!passed) return not_yet;
  barrier_.reset();
  no_longer_flies(in_doubt_, world_.shared);
  in_doubt_ = {};
  return Done{};
}

void ApplyWorker::wait_for_capture() {
  if (const auto end = world_.openmrs.log_end()) barrier_ = *end;
}

Result<ApplyWorker::Did> ApplyWorker::apply(std::vector<Work>& works, bool alone) {
  ApplyPlan plan;
  std::vector<ports::PutProblem> problems;
  const auto did = in_unit(works, {}, plan, problems);
  if (!did) {
    if (!alone || did.error().remedy != Remedy::set_aside) return did.error();
    OMRSYNC_CHECK(set_aside(works.front(), did.error()));
    return Did::applied;
  }
  if (problems.empty()) return *did;
  return refused(works, problems, alone);
}

namespace {

/// A set's outcome is the one of its roots that most deserves to be told.
Outcome::State gravest(const RootStates& states, const std::map<RootKey, Outcome::State>& outcomes) {
  static constexpr Outcome::State kRank[] = {Outcome::State::duplicate, Outcome::State::applied, Outcome::State::merged,
                                             Outcome::State::theirs, Outcome::State::conflict};
  const auto rank = [](Outcome::State s) { return std::find(std::begin(kRank), std::end(kRank), s); };
  Outcome::State worst = Outcome::State::duplicate;
  for (const auto& [root, state] : states)
    if (const auto found = outcomes.find(root); found != outcomes.end() && rank(found->second) > rank(worst))
      worst = found->second;
  return worst;
}

/// Roots that were to be purged and were not, because other rows refer to them (D30), into the plan.
void take_kept(ApplyPlan& plan, const std::vector<std::size_t>& written, const std::vector<RootBefore>& befores,
               const ports::PutOutcome& put, std::map<RootKey, Outcome::State>& outcomes) {
  for (std::size_t i = 0; i < written.size(); ++i) {
    PlannedRoot& planned = plan.roots[written[i]];
    const RootBefore& before = befores[written[i]];
    if (!planned.purged || !before.content) continue;
    for (const ports::PutNotice& notice : put.notices) {
      if (notice.kind != ports::PutNotice::Kind::dangling_parent || notice.root != planned.root) continue;
      planned.kept = true;
      if (notice.other != planned.root) planned.referrers.push_back(notice.other);
    }
    if (!planned.kept) continue;
    for (const auto& [name, held] : before.content->groups) planned.holds[name] = held.hash;
    if (i < put.hashes.size())
      for (const auto& [name, hash] : put.hashes[i]) planned.holds[name] = hash;
    outcomes[planned.root] = planned.referrers.empty() ? Outcome::State::merged : Outcome::State::conflict;
  }
}

/// Identifiers that another patient has already: both rows are there, and people are to look.
void take_collisions(ApplyPlan& plan, const ports::PutOutcome& put, std::map<RootKey, Outcome::State>& outcomes) {
  for (const ports::PutNotice& notice : put.notices) {
    if (notice.kind != ports::PutNotice::Kind::identifier_taken) continue;
    for (PlannedRoot& planned : plan.roots) {
      if (planned.root != notice.root) continue;
      planned.collisions.emplace_back(notice.group, notice.other);
      outcomes[planned.root] = Outcome::State::conflict;
    }
  }
}

/// What `put` says the rows hash to now, and what they cannot hold, into the plan.
void take_hashes(ApplyPlan& plan, const std::vector<std::size_t>& written, const ports::PutOutcome& put) {
  for (std::size_t i = 0; i < written.size() && i < put.residues.size(); ++i)
    plan.roots[written[i]].residue = put.residues[i];
  for (std::size_t i = 0; i < written.size() && i < put.hashes.size(); ++i)
    for (PlannedGroup& group : plan.roots[written[i]].groups)
      if (group.written)
        if (const auto hash = put.hashes[i].find(group.name); hash != put.hashes[i].end()) group.hash = hash->second;
}

}  // namespace

/// The set was committed before and its marker is on the way through the log, so that it lands and is gone when we come
/// again; false: wait for that. A marker that the log no longer shows (R40) is not waited for: joining again adds
/// nothing.
Result<bool> ApplyWorker::mark_again(ports::UnitOfWork& unit, const std::string& marker) {
  const auto met = met_markers_.find(marker);
  if (met == met_markers_.end() || !has_passed(met->second)) {
    OMRSYNC_TRY(end, world_.openmrs.log_end());
    if (met == met_markers_.end()) met_markers_.emplace(marker, end);
    barrier_ = end;
    return false;
  }
  met_markers_.erase(met);
  return unit.mark(marker + "+" + tables::number_key(world_.entropy.next()));
}

/// Named by the set, in the life of its link: numbers begin anew with each life (D28).
Result<std::string> ApplyWorker::marker_of(const std::vector<Work>& works) {
  if (works.empty()) return "r" + tables::number_key(world_.entropy.next());
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_TRY(link, link_record(*tx, link_place(works.front().key).link));
  Packer life;
  life.actor(link.life.child).actor(link.life.parent);
  return "s" + works.front().key + std::move(life).take();
}

/// Marks, locks and reads; nothing: the log is awaited first.
Result<std::optional<std::vector<RootBefore>>> ApplyWorker::lock(ports::UnitOfWork& unit,
                                                                 const std::vector<Work>& works,
                                                                 const std::vector<RootKey>& roots) {
  using Befores = std::optional<std::vector<RootBefore>>;
  OMRSYNC_TRY(marker, marker_of(works));
  OMRSYNC_TRY(marked, unit.mark(marker));
  if (!marked) {
    OMRSYNC_TRY(again, mark_again(unit, marker));
    if (!again) return Befores{};
  }
  OMRSYNC_TRY(contents, unit.lock_read(roots));
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_TRY(befores, roots_before(*tx, works, roots, std::move(contents)));
  tx.reset();
  OMRSYNC_TRY(agree, agrees(befores));
  return agree ? Befores(std::move(befores)) : Befores{};
}

/// What becomes of each root, into the plan.
Result<ApplyWorker::Writes> ApplyWorker::plan_all(const std::vector<RootBefore>& befores, ApplyPlan& plan) {
  Writes writes;
  Decider decider(world_, requests_);
  for (const RootBefore& before : befores) {
    OMRSYNC_TRY(root, plan_root(before, world_.dots, decider));
    writes.outcomes[before.root] = root.outcome;
    if (root.writes) {
      writes.rows.push_back(std::move(root.write));
      writes.places.push_back(plan.roots.size());
    }
    plan.roots.push_back(std::move(root.planned));
  }
  return writes;
}

Result<ApplyWorker::Did> ApplyWorker::in_unit(std::vector<Work>& works, const std::vector<RootKey>& repaired,
                                              ApplyPlan& plan, std::vector<ports::PutProblem>& problems) {
  std::set<RootKey> roots(repaired.begin(), repaired.end());
  for (const Work& work : works)
    for (const auto& [root, state] : work.states) roots.insert(root);
  const auto met_lock = [&](const Error& error) {
    if (error.code == Code::db_lock_busy) busy(works);
    return error;
  };
  OMRSYNC_TRY(forbidden, not_granted(works));
  if (!forbidden.empty()) {
    problems = std::move(forbidden);
    return Did::nothing;
  }
  OMRSYNC_TRY(unit, world_.openmrs.begin());
#ifdef OMRSYNC_PLANT
  if (planted().decision_numbered_early && early_sequence_ == 0) {
    OMRSYNC_TRY(tx, world_.store.write());
    OMRSYNC_TRY(number, take_number(*tx, "sequence"));
    OMRSYNC_CHECK(tx->commit());
    early_sequence_ = number;
  }
  plan.early_sequence = early_sequence_;
#endif
  const auto locked = lock(*unit, works, {roots.begin(), roots.end()});
  if (!locked) return met_lock(locked.error());
  if (!*locked) return Did::waits;
  const std::vector<RootBefore>& befores = **locked;

  plan.by = world_.identity.actor();
  OMRSYNC_TRY(writes, plan_all(befores, plan));
  const auto tell = [&] {
    for (const Work& work : works) plan.items.push_back({work.key, gravest(work.states, writes.outcomes)});
  };
  if (writes.rows.empty()) {
    unit.reset();
    tell();
    return land_now(plan, befores);
  }
  auto put = unit->put(writes.rows);
  if (!put) return met_lock(put.error());
  if (!put->problems.empty()) {
    problems = std::move(put->problems);
    return Did::nothing;
  }
  take_hashes(plan, writes.places, *put);
  take_kept(plan, writes.places, befores, *put, writes.outcomes);
  take_collisions(plan, *put, writes.outcomes);
  tell();
  hand_over(works);
  const auto did = commit(*unit, plan);
  if (did && *did == Did::applied)
    tell_taken(put->notices);
  else
    take_back(works);
  return did;
}

/// What was read of the sets lands with them; not more than a little at a time, should capture be behind.
void ApplyWorker::hand_over(std::vector<Work>& works) {
  world_.shared.applied.with([&](auto& applied) {
    std::size_t roots = 0;
    for (const auto& [key, states] : applied) roots += states.size();
    for (Work& work : works) {
      if ((roots += work.states.size()) > tuning::kHandedOverRoots) break;
      applied.insert_or_assign(work.key, std::move(work.states));
      work.states.clear();
    }
  });
}

void ApplyWorker::take_back(std::vector<Work>& works) {
  world_.shared.applied.with([&](auto& applied) {
    for (Work& work : works)
      if (auto states = applied.extract(work.key)) work.states = std::move(states.mapped());
  });
}

/// Names and identifiers that another row has already: both rows are kept, and somebody should look.
void ApplyWorker::tell_taken(const std::vector<ports::PutNotice>& notices) {
  for (const ports::PutNotice& notice : notices) {
    const bool identifier = notice.kind == ports::PutNotice::Kind::identifier_taken;
    if (!identifier && notice.kind != ports::PutNotice::Kind::name_taken) continue;
    world_.log.warning(identifier ? "apply.identifier_taken" : "apply.name_taken",
                       {{"code", identifier ? Code::apply_identifier_taken : Code::apply_name_taken},
                        {"table", notice.root.table},
                        {"key", notice.root.key},
                        {"other", notice.other.key}});
  }
}

Result<ApplyWorker::Did> ApplyWorker::commit(ports::UnitOfWork& unit, ApplyPlan& plan) {
  world_.shared.progress.with([&](Progress& p) {
    for (const PlannedRoot& root : plan.roots) p.in_flight.insert(root.root);
    for (const PlannedItem& item : plan.items) p.committed.insert(item.inbox_key);
  });
  const Status committed = unit.commit(encode(plan));
#ifdef OMRSYNC_PLANT
  if (committed) early_sequence_ = 0;
  if (committed && planted().ledger_out_of_order) {
    OMRSYNC_TRY(tx, world_.store.write());
    OMRSYNC_TRY(capture, capture_record(*tx));
    OMRSYNC_CHECK(land(*tx, world_, plan, nullptr, capture ? capture->position : ports::LogPosition{}));
    OMRSYNC_CHECK(tx->commit());
  }
#endif
  if (committed) return Did::applied;
  if (committed.error().remedy == Remedy::look_first) {
    in_doubt_ = std::move(plan);
    wait_for_capture();
    return Did::waits;
  }
  no_longer_flies(plan, world_.shared);
  return committed.error();
}

Result<std::vector<RootBefore>> ApplyWorker::roots_before(StoreTransaction& tx, const std::vector<Work>& works,
                                                          const std::vector<RootKey>& roots,
                                                          std::vector<std::optional<ports::RootContent>> contents) {
  std::vector<RootBefore> befores(roots.size());
  std::map<RootKey, std::size_t> place;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    place[roots[i]] = i;
    befores[i].root = roots[i];
    befores[i].content = std::move(contents[i]);
    OMRSYNC_TRY(kind, classes_.of(roots[i].table));
    befores[i].kind = kind;
    OMRSYNC_TRY(row, ledger_row(tx, roots[i]));
    befores[i].row = std::move(row);
  }
  for (const Work& work : works) {
    const LinkPlace link = link_place(work.key);
    OMRSYNC_TRY(rank, shown_rank(tx, link.link, link.number));
    for (const auto& [root, state] : work.states) {
      RootBefore& before = befores[place[root]];
      before.incoming.push_back(&state);
      before.links.push_back(link.link);
      before.from_below |= link.link != kParentLink && link.link != kPastLink;
      before.newest_from_above = rank > (before.row ? before.row->shown_number : 0);
    }
  }
  return befores;
}

}  // namespace omrsync::node
