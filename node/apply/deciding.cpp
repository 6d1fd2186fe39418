// Conflicts that the policy or a person decides (section 6).
#include "node/apply/deciding.h"

#include <algorithm>
#include <map>

#include "conflict/decision.h"
#include "conflict/join.h"
#include "node/apply/apply_worker.h"
#include "protocol/cells.h"
#include "protocol/json.h"

namespace omrsync::node {
namespace {

using ports::StoreTransaction;

const Sibling* find(const Group& group, const Dot& dot) {
  for (const Sibling& s : group.siblings)
    if (s.dot == dot) return &s;
  return nullptr;
}

Error dropped(std::string why) { return {Remedy::set_aside, Code::decision_dropped, std::move(why)}; }

/// The siblings are those that were here before: whatever is to be said of them was said then.
bool met_before(const Joined& joined, const Group& group) {
  const auto here = joined.here.groups.find(joined.name);
  return here != joined.here.groups.end() &&
         std::equal(here->second.siblings.begin(), here->second.siblings.end(), group.siblings.begin(),
                    group.siblings.end(), [](const Sibling& a, const Sibling& b) { return a.dot == b.dot; });
}

CameBy came_by(const Joined& joined) {
  CameBy came;
  const auto here = joined.here.groups.find(joined.name);
  for (std::size_t i = 0; i < joined.before.incoming.size(); ++i) {
    const auto sent = joined.before.incoming[i]->groups.find(joined.name);
    if (sent == joined.before.incoming[i]->groups.end()) continue;
    for (const Sibling& s : sent->second.siblings)
      if (here == joined.here.groups.end() || find(here->second, s.dot) == nullptr)
        came.emplace(s.dot, joined.before.links[i]);
  }
  return came;
}

/// A clinical record that was purged took its contents along: nothing but its life could come back.
bool would_be_empty(const Joined& joined, const Group& group, const std::optional<GroupValue>& value) {
  return joined.name == kLifeGroup && value && joined.before.kind == ports::RootTable::Class::clinical &&
         std::any_of(group.siblings.begin(), group.siblings.end(), [](const Sibling& s) { return !s.value; });
}

using Cells = std::map<std::string, std::string, std::less<>>;

Cells cells_of(const std::optional<GroupValue>& value) {
  Cells cells;
  if (value) for_each_cell(*value, [&](NamedCell cell) { cells.emplace(cell.column, cell.text); });
  return cells;
}

}  // namespace

Result<std::optional<GroupValue>> value_asked(const DecisionRequest& request, const Group& group,
                                              const GroupName& name) {
  if (request.value) return *request.value;
  const Sibling* side = find(group, request.take.value_or(group.shown));
  if (side == nullptr) return dropped("the side that was taken is not there any more");
  if (request.cells.empty()) return side->value;
  Cells cells = cells_of(side->value);
  for (const DecisionRequest::Cell& cell : request.cells) {
    const bool known = cell.column == name ||
                       std::any_of(group.siblings.begin(), group.siblings.end(),
                                   [&](const Sibling& s) { return s.value && find_cell(*s.value, cell.column); });
    if (!known) return dropped("no side has a field '" + cell.column + "'");
    std::optional<std::string> text = cell.text;
    if (cell.of) {
      const Sibling* of = find(group, *cell.of);
      if (of == nullptr) return dropped("the side that '" + cell.column + "' was taken from is not there any more");
      const auto held = of->value ? find_cell(*of->value, cell.column) : std::nullopt;
      text = held ? std::optional<std::string>(*held) : std::nullopt;
    }
    if (text)
      cells[cell.column] = *text;
    else
      cells.erase(cell.column);
  }
  std::vector<NamedCell> named;
  for (const auto& [column, text] : cells) named.push_back({column, text});
  return std::optional<GroupValue>(encode_cells(std::move(named)));
}

Result<StoreTransaction*> Decider::store() {
  if (!tx_) {
    OMRSYNC_TRY(tx, world_.store.read());
    tx_ = std::move(tx);
  }
  return tx_.get();
}

const DecisionRequest* Decider::request_for(const Joined& joined) const {
  for (const DecisionRequest& request : requests_)
    if (request.root == joined.before.root && request.group == joined.name) return &request;
  return nullptr;
}

Result<std::optional<Choice>> Decider::choose(const Joined& joined) {
  if (const DecisionRequest* request = request_for(joined)) return as_asked(joined, *request);
  const Group& group = joined.state.groups.at(joined.name);
  if (!joined.before.from_below || !conflict::differs(group) || met_before(joined, group))
    return std::optional<Choice>{};
  return by_policy(joined);
}

Result<std::optional<Choice>> Decider::by_policy(const Joined& joined) {
  const Group& group = joined.state.groups.at(joined.name);
  OMRSYNC_TRY(tx, store());
  OMRSYNC_TRY(view, view_of(*tx, world_.identity, world_.has_parent,
                            {joined.before.root, joined.before.kind, joined.name, group, &joined.state, joined.base},
                            came_by(joined)));
  Choice choice;
  conflict::DecisionNote note;
  if (!has_authority(view, world_.has_parent)) {
    note.reason = "the node above decides";
    choice.left = true;
    choice.note = conflict::encode(note);
    return std::optional(std::move(choice));
  }
  const auto policy = world_.policy ? world_.policy() : nullptr;
  const conflict::Decision decision = conflict::decide(policy ? *policy : conflict::Policy{}, view);
  note.policy = decision.policy;
  note.rule = decision.rule;
  note.reason = decision.why;
  if (decision.outcome == conflict::Decision::Outcome::winner)
    note.taken_from = conflict::writer_of(*find(group, decision.winner));
  choice.note = conflict::encode(note);
  choice.left = decision.outcome == conflict::Decision::Outcome::manual;
  choice.ask = decision.program;
  if (decision.outcome != conflict::Decision::Outcome::winner) return std::optional(std::move(choice));
  const Sibling& winner = *find(group, decision.winner);
  if (would_be_empty(joined, group, winner.value)) {
    note.rule = "manual";
    note.reason = "the record was deleted for good at one side";
    choice.note = conflict::encode(note);
    choice.left = true;
    return std::optional(std::move(choice));
  }
  choice.over = group.siblings;
  choice.value = winner.value;
  choice.author = winner.author;
  choice.stamp = winner.stamp;
  const bool among_decisions =
      std::all_of(group.siblings.begin(), group.siblings.end(), [](const Sibling& s) { return !s.decision.empty(); });
  if (among_decisions) choice.note = winner.decision;  // it stands as it was made
  return std::optional(std::move(choice));
}

Result<std::optional<Choice>> Decider::as_asked(const Joined& joined, const DecisionRequest& request) {
  const Group& group = joined.state.groups.at(joined.name);
  const auto note = conflict::decode_note(request.note);
  const bool undoes = note && note->undoes;
  if (!undoes && !conflict::differs(group)) return std::optional<Choice>{};
  if (request.by == DecisionRequest::By::policy) return by_policy(joined);
  Choice choice;
  for (const Sibling& s : group.siblings)
    if (request.seen.empty() || std::find(request.seen.begin(), request.seen.end(), s.dot) != request.seen.end())
      choice.over.push_back(s);
  if (choice.over.empty()) return dropped("the field was written again meanwhile");
  OMRSYNC_TRY(value, value_asked(request, group, joined.name));
  if (would_be_empty(joined, group, value)) return dropped("the record was deleted for good; enter it anew in OpenMRS");
  choice.value = std::move(value);
  if (request.take)
    if (const Sibling* side = find(group, *request.take)) choice.author = side->author;
  choice.note = request.note;
  choice.request = request.conflict;
  return std::optional(std::move(choice));
}

Result<std::optional<DecisionRequest>> ApplyWorker::next_request() {
  std::optional<DecisionRequest> next;
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_CHECK(tx->scan(tables::kDecisions, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    auto request = decode_record<DecisionRequest>(entry.value);
    if (request && request->by != DecisionRequest::By::program && !world_.shared.flies({&request->root, 1}))
      next = std::move(*request);
    return !next;
  }));
  return next;
}

/// A request that is carried out goes when its decision lands; every other one goes here.
Status ApplyWorker::forget_request(const DecisionRequest& request, std::string_view why) {
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(now, get_record<DecisionRequest>(*tx, tables::kDecisions, request.conflict));
  if (!now || now->by != request.by) return Done{};  // a program is asked now
  OMRSYNC_CHECK(tx->erase(tables::kDecisions, request.conflict, ports::after(request.conflict)));
  if (!why.empty()) {
    world_.log.warning("decision.dropped",
                       {{"code", Code::decision_dropped}, {"conflict", request.conflict}, {"why", why}});
    Json record;
    record.set("act", "decision.dropped").set("at_ms", world_.clock.utc().count()).set("conflict", request.conflict);
    OMRSYNC_CHECK(append_audit(*tx, to_string(record.set("why", why))));
  }
  OMRSYNC_CHECK(tx->commit());
  world_.shared.changed.ring();
  return Done{};
}

/// Writes the next decision that somebody asked for, as any apply: locks, compares, writes, marks (6.4). True: one was
/// done with.
Result<bool> ApplyWorker::carry_out() {
  OMRSYNC_TRY(request, next_request());
  if (!request) return false;
  requests_ = {*request};
  std::vector<Work> none;
  ApplyPlan plan;
  std::vector<ports::PutProblem> problems;
  const auto did = in_unit(none, {request->root}, plan, problems);
  requests_.clear();
  if (!did && did.error().remedy != Remedy::set_aside) return did.error();
  if (did && *did == Did::waits) return false;
  std::string why;
  if (!did)
    why = did.error().message;
  else if (!problems.empty())
    why = problems.front().reason.empty() ? "what it refers to is not here" : problems.front().reason;
  else if (std::any_of(plan.roots.front().groups.begin(), plan.roots.front().groups.end(),
                       [&](const PlannedGroup& group) { return group.request == request->conflict; }))
    return true;
  else if (request->by == DecisionRequest::By::given)
    why = "the conflict is over already";
  OMRSYNC_CHECK(forget_request(*request, why));
  return true;
}

}  // namespace omrsync::node
