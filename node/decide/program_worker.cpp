#include "node/decide/program_worker.h"

#include <algorithm>

#include "conflict/decision.h"
#include "node/decide/view.h"
#include "node/ledger/state.h"
#include "node/tuning.h"
#include "protocol/cells.h"
#include "protocol/json.h"

namespace omrsync::node {
namespace {

Json fields(const std::optional<GroupValue>& value) {
  if (!value) return nullptr;
  Json json{Json::Object{}};
  for_each_cell(*value, [&](NamedCell cell) { json.set(cell.column, cell.text); });
  return json;
}

Error no_use(std::string why) { return {Remedy::set_aside, Code::program_failed, std::move(why)}; }

/// {"column": "text" or null}, laid over what is shown. Only columns that a side has: what the table lacks would be
/// kept and never be seen.
Status take_fields(const Json& value, const Group& group, DecisionRequest& decided) {
  if (value.object() == nullptr) return no_use("its value is no object");
  for (const auto& [column, text] : *value.object()) {
    const bool known = std::any_of(group.siblings.begin(), group.siblings.end(), [&, name = &column](const Sibling& s) {
      return s.value && find_cell(*s.value, *name);
    });
    if (!known) return no_use("its value has a field that no side has");
    if (!text.is_null() && text.text() == nullptr) return no_use("a field of its value is no text");
    decided.cells.push_back({column, {}, text.is_null() ? std::nullopt : std::optional(*text.text())});
  }
  return Done{};
}

}  // namespace

std::string program_question(const std::string& conflict, const conflict::View& view) {
  Json::Array sides;
  for (const conflict::Side& side : view.sides) {
    Json one;
    one.set("site", side.site)
        .set("depth", side.depth)
        .set("at_ms", side.stamp.at_ms)
        .set("error_ms", side.stamp.error_ms);
    one.set("clock_trusted", side.stamp.trusted).set("shown", side.shown).set("value", fields(side.value));
    sides.push_back(std::move(one));
  }
  Json json;
  json.set("schema", "omrsync/policy-question/1").set("conflict", conflict).set("type", view.type);
  json.set("table", view.root.table).set("resource", view.root.key).set("group", view.group);
  return to_string(json.set("base", view.base ? fields(*view.base) : Json()).set("sides", std::move(sides)));
}

Result<DecisionRequest> request_from_answer(const DecisionRequest& request, const Group& group,
                                            std::string_view answer) {
  const auto json = parse_json(answer, Code::program_failed);
  if (!json || json->object() == nullptr) return no_use("its answer is no JSON object");
  DecisionRequest decided = request;
  decided.by = DecisionRequest::By::given;
  if (const auto why = json->text_of("manual"); !why.empty()) return no_use(std::string(why.substr(0, 200)));
  const Json* take = json->find("take");
  const Json* value = json->find("value");
  if ((take == nullptr) == (value == nullptr)) return no_use("its answer has neither 'take' nor 'value', or both");
  for (const Sibling& s : group.siblings) decided.seen.push_back(s.dot);
  if (take != nullptr) {
    const std::int64_t* place = take->integer();
    if (place == nullptr || *place < 0 || *place >= static_cast<std::int64_t>(group.siblings.size()))
      return no_use("its 'take' is no place in the sides");
    decided.take = group.siblings[static_cast<std::size_t>(*place)].dot;
  } else {
    if (value->is_null())
      decided.value = std::optional<GroupValue>{};
    else
      OMRSYNC_CHECK(take_fields(*value, group, decided));
  }
  conflict::DecisionNote note = conflict::decode_note(request.note).value_or(conflict::DecisionNote{});
  note.conflict = request.conflict;
  note.reason = "the program decided";
  if (const auto why = json->text_of("why"); !why.empty()) note.reason = why.substr(0, 200);
  decided.note = conflict::encode(note);
  return decided;
}

Result<std::optional<DecisionRequest>> ProgramWorker::next() {
  std::optional<DecisionRequest> found;
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_CHECK(tx->scan(tables::kDecisions, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    auto request = decode_record<DecisionRequest>(entry.value);
    if (request && request->by == DecisionRequest::By::program) found = std::move(*request);
    return !found;
  }));
  return found;
}

/// What the program is told, and the sides in its order. Nothing: the conflict is over, or the database is not as the
/// ledger says at this moment.
Result<std::optional<std::string>> ProgramWorker::question(const DecisionRequest& request, Group& group) {
  OMRSYNC_TRY(snapshot, world_.openmrs.snapshot());
  OMRSYNC_TRY(contents, snapshot->read({&request.root, 1}));
  OMRSYNC_TRY(tx, world_.store.read());
  OMRSYNC_TRY(row, ledger_row(*tx, request.root));
  OMRSYNC_TRY(record, get_record<ConflictRecord>(*tx, tables::kConflicts, request.conflict));
  if (!row || !record || !record->open) return std::optional<std::string>{};
  const auto known = row->hashes.find(request.group);
  if (!contents.empty() && contents.front())
    if (const auto content = contents.front()->groups.find(request.group);
        content != contents.front()->groups.end() &&
        (known == row->hashes.end() || known->second != content->second.hash))
      return Error{Remedy::retry_later, Code::store_busy, "capture has not come so far yet"};
  std::vector<StandingGroup> standing;
  if (!contents.empty() && contents.front())
    standing = standing_groups(request.root, &*row, *contents.front(), world_.dots);
  const RootState state = materialise(&*row, standing);
  const auto held = state.groups.find(request.group);
  if (held == state.groups.end()) return std::optional<std::string>{};
  group = held->second;
  OMRSYNC_TRY(view, view_of(*tx, world_.identity, world_.has_parent,
                            {request.root, record->root_class, request.group, group, &state, record->base}, {}));
  return std::optional(program_question(request.conflict, view));
}

/// The answer takes the place of the question, unless the conflict was decided meanwhile.
Status ProgramWorker::answered(DecisionRequest request, const Result<DecisionRequest>& answer) {
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(still, get_record<DecisionRequest>(*tx, tables::kDecisions, request.conflict));
  if (!still || still->by != DecisionRequest::By::program) return Done{};
  if (answer) {
    OMRSYNC_CHECK(put_record(*tx, tables::kDecisions, request.conflict, *answer));
    return tx->commit();
  }
  OMRSYNC_CHECK(tx->erase(tables::kDecisions, request.conflict, ports::after(request.conflict)));
  OMRSYNC_TRY(record, get_record<ConflictRecord>(*tx, tables::kConflicts, request.conflict));
  if (record && record->open) {
    record->rule = "manual: the program " + request.program + ": " + answer.error().message;
    OMRSYNC_CHECK(put_record(*tx, tables::kConflicts, request.conflict, *record));
  }
  Json audit;
  audit.set("act", "policy.program_failed").set("at_ms", world_.clock.utc().count()).set("conflict", request.conflict);
  OMRSYNC_CHECK(append_audit(*tx, to_string(audit.set("why", answer.error().message))));
  return tx->commit();
}

Pace ProgramWorker::step(std::stop_token) {
  const auto request = next();
  if (!request || !*request) return Pace::after(tuning::kProgramIdle);
  Group group;
  Result<DecisionRequest> answer = no_use("no program can be asked here");
  if (programs_ != nullptr) {
    const auto asked = question(**request, group);
    if (!asked) return Pace::after(tuning::kProgramIdle);  // the database is away
    if (*asked) {
      const auto said = programs_->run((*request)->program, **asked, {});
      answer = said ? request_from_answer(**request, group, *said) : Result<DecisionRequest>(said.error());
    } else {
      answer = no_use("the conflict is over");
    }
  }
  if (!answer) world_.log.failure(ports::Level::warning, "policy.program_failed", answer.error());
  const Status done = answered(**request, answer);
  return done ? Pace::at_once() : Pace::after(tuning::kProgramIdle);
}

}  // namespace omrsync::node
