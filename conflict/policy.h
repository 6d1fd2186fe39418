#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"
#include "protocol/state.h"

/// Who wins when one group was written at two places without knowledge of each other. Pure: the same sides under the
/// same policy give the same decision on every node (I11).
namespace omrsync::conflict {

enum class Word : std::uint8_t {
  safe,              ///< the built-in rules
  parent_wins,       ///< the side written nearest the root of the tree; else: two are equally near
  child_wins,        ///< the side written farthest from it
  newest_wins,       ///< the latest, only if all clocks are trusted and its interval of time is behind all others
  owner_site_wins,   ///< the side of the site that registered the resource, or of a node below it
  field_merge,       ///< groups merge by themselves; one group written twice: always else
  set_union,         ///< a row that one side removed and another changed stays; else: changed in two ways
  adds_information,  ///< the side that has all that the others have, where nobody took anything away
  shown_wins,        ///< the value that stands at the parent stays
  program,           ///< a program of the site is asked
  manual,            ///< a person decides
};

[[nodiscard]] std::string_view to_string(Word word) noexcept;
[[nodiscard]] std::optional<Word> parse_word(std::string_view text) noexcept;

/// One line of a policy. Patterns may have `*`; `*` alone fits everything.
struct Rule {
  std::string type = "*";   ///< FHIR type, root table, or a class of tables: clinical, metadata, link
  std::string group = "*";  ///< "gender", "person_name", "person_name#life": keys of owned rows are left out
  std::string site = "*";   ///< fits when a side was written there
  Word policy = Word::manual;
  Word otherwise = Word::manual;  ///< when `policy` has no winner
  std::string program;            ///< its path, of Word::program
  int line = 0;                   ///< in the policy file; 0: built in
};

/// Rules in order; the first that fits counts. What none fits goes by the built-in ones.
struct Policy {
  std::string name = "safe";
  std::int64_t version = 1;
  std::vector<Rule> rules;
};

/// The built-in rules.
[[nodiscard]] const std::vector<Rule>& safe_rules();

enum class Kind : std::uint8_t { clinical, metadata, link };  ///< of a root table

/// One sibling as whoever decides sees it.
struct Side {
  Dot dot;
  Stamp stamp;
  std::optional<GroupValue> value;
  Uuid writer;       ///< the node that wrote the value, whoever decided for it since
  std::string site;  ///< its name, or its uuid
  Uuid branch;       ///< the child below which it was written; empty: here or above
  int depth = 0;     ///< steps from the deciding node to the writer: 0 itself, 1 a child, 2 farther below, -1 above
  bool shown = false;
  bool is_decision = false;
  int made_at = 0;  ///< depth of the node that made the dot; of a decision: that decided
};

struct View {
  RootKey root;
  std::string type;  ///< FHIR type
  Kind kind = Kind::clinical;
  GroupName group;
  std::vector<Side> sides;                        ///< in any order, each dot once
  std::optional<Uuid> owner;                      ///< the node that registered the resource
  std::optional<std::optional<GroupValue>> base;  ///< what stood there before any side was written, where it is known
};

struct Decision {
  enum class Outcome : std::uint8_t { winner, manual, ask };
  Outcome outcome = Outcome::manual;
  Dot winner;           ///< of `winner`
  std::string program;  ///< of `ask`
  std::string policy;   ///< "safe/1"
  std::string rule;     ///< "parent-wins", or "newest-wins, else manual"
  std::string why;      ///< one sentence, without patient data
};

/// Decides by the first rule that fits. Two decisions that met: the one nearer the root stands, before any rule.
[[nodiscard]] Decision decide(const Policy& policy, const View& view);

/// The rule that counts for conflicts of this kind, a built-in one where the policy has none that fits. `sites`: of the
/// sides; empty: any.
[[nodiscard]] const Rule& rule_for(const Policy& policy, Kind kind, std::string_view type, std::string_view table,
                                   std::string_view group, const std::vector<std::string_view>& sites);

/// "Patient gender from any site: parent-wins, else manual (line 12)."
[[nodiscard]] std::string describe(const Rule& rule);

/// Text against a pattern with `*`.
[[nodiscard]] bool fits(std::string_view pattern, std::string_view text) noexcept;

/// "person_name#life" of "person_name/<key>#life".
[[nodiscard]] std::string without_keys(std::string_view group);

}  // namespace omrsync::conflict
