#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/state.h"

/// A decision is an ordinary write that has seen the sides it decides between (6.4). What it says of itself travels
/// with it.
namespace omrsync::conflict {

struct DecisionNote {
  std::string conflict;  ///< id of the conflict that it closes
  bool by_user = false;  ///< a person, not a rule
  bool undoes = false;   ///< it takes an earlier decision of this conflict back
  std::string policy;    ///< "safe/1"
  std::string rule;      ///< "parent-wins"
  std::string user;      ///< who, as far as known
  std::string reason;    ///< one sentence, without patient data
  Uuid taken_from{};     ///< a rule took this node's side: the decision stands where that was written
  bool operator==(const DecisionNote&) const = default;
};

/// As Sibling::decision has it.
[[nodiscard]] std::string encode(const DecisionNote& note);
/// None: the text is no note, or is empty.
[[nodiscard]] std::optional<DecisionNote> decode_note(std::string_view text);

/// The node that wrote a sibling's value, whoever decided for it since; empty: the first load found it.
[[nodiscard]] Uuid writer_of(const Sibling& sibling);

/// Takes the place of the siblings in `seen`, whatever their values; others stay beside it. `state` then covers the new
/// dot and what it has seen, and shows it, unless a tombstone remains.
void decide(RootState& state, const GroupName& group, Sibling decided, const std::vector<Dot>& seen);

}  // namespace omrsync::conflict
