#include "conflict/decision.h"

#include <algorithm>

#include "conflict/join.h"
#include "protocol/json.h"

namespace omrsync::conflict {

std::string encode(const DecisionNote& note) {
  Json json;
  json.set("conflict", note.conflict).set("by", note.by_user ? "user" : "rule");
  for (const auto& [key, text] : {std::pair{"policy", &note.policy}, std::pair{"rule", &note.rule},
                                  std::pair{"user", &note.user}, std::pair{"reason", &note.reason}})
    if (!text->empty()) json.set(key, *text);
  if (!note.taken_from.empty()) json.set("taken_from", to_string(note.taken_from));
  if (note.undoes) json.set("undoes", true);
  return to_string(json);
}

Uuid writer_of(const Sibling& sibling) {
  const auto note = decode_note(sibling.decision);
  return note && !note->taken_from.empty() ? note->taken_from : sibling.dot.actor.node;
}

std::optional<DecisionNote> decode_note(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto json = parse_json(text);
  if (!json || json->object() == nullptr) return std::nullopt;
  DecisionNote note;
  note.conflict = json->text_of("conflict");
  note.by_user = json->text_of("by") == "user";
  note.policy = json->text_of("policy");
  note.rule = json->text_of("rule");
  note.user = json->text_of("user");
  note.reason = json->text_of("reason");
  note.taken_from = parse_uuid(json->text_of("taken_from")).value_or(Uuid{});
  if (const Json* undoes = json->find("undoes"); undoes != nullptr && undoes->boolean() != nullptr)
    note.undoes = *undoes->boolean();
  return note;
}

void decide(RootState& state, const GroupName& group, Sibling decided, const std::vector<Dot>& seen) {
  Group& held = state.groups[group];
  std::erase_if(held.siblings,
                [&](const Sibling& s) { return std::find(seen.begin(), seen.end(), s.dot) != seen.end(); });
  for (const Dot& dot : seen) state.context.add(dot);
  const Dot dot = decided.dot;
  state.context.add(dot);
  const auto place = std::lower_bound(held.siblings.begin(), held.siblings.end(), dot,
                                      [](const Sibling& s, const Dot& d) { return s.dot < d; });
  held.siblings.insert(place, std::move(decided));
  held.shown = choose_shown(group, held.siblings, &dot, nullptr);
}

}  // namespace omrsync::conflict
