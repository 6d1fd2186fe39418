#include "conflict/policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/cells.h"

namespace omrsync::conflict {
namespace {

constexpr std::array<std::pair<Word, std::string_view>, 11> kWords = {{
    {Word::safe, "safe"},
    {Word::parent_wins, "parent-wins"},
    {Word::child_wins, "child-wins"},
    {Word::newest_wins, "newest-wins"},
    {Word::owner_site_wins, "owner-site-wins"},
    {Word::field_merge, "field-merge"},
    {Word::set_union, "union"},
    {Word::adds_information, "adds-information"},
    {Word::shown_wins, "shown-wins"},
    {Word::program, "program"},
    {Word::manual, "manual"},
}};

constexpr std::array<std::string_view, 3> kKinds = {"clinical", "metadata", "link"};

/// A side that wins, or why none does.
struct Verdict {
  const Side* winner = nullptr;
  std::string why;
};

Verdict none(std::string why) { return {nullptr, std::move(why)}; }

bool same_value(const std::vector<const Side*>& sides) {
  return std::all_of(sides.begin(), sides.end(), [&](const Side* s) { return s->value == sides.front()->value; });
}

const Side* lowest(const std::vector<const Side*>& sides) {
  return *std::min_element(sides.begin(), sides.end(), [](const Side* a, const Side* b) { return a->dot < b->dot; });
}

template <typename Fits>
std::vector<const Side*> those(const View& view, Fits fits) {
  std::vector<const Side*> found;
  for (const Side& side : view.sides)
    if (fits(side)) found.push_back(&side);
  return found;
}

/// All of `few` hold one value: it wins, under its lowest dot.
Verdict one_value(const std::vector<const Side*>& few, std::string why, std::string else_why) {
  if (few.empty() || !same_value(few)) return none(std::move(else_why));
  const Side* winner = lowest(few);
  return {winner, winner->site + " " + why};
}

Verdict by_depth(const View& view, bool nearest) {
  int best = view.sides.front().depth;
  for (const Side& side : view.sides) best = nearest ? std::min(best, side.depth) : std::max(best, side.depth);
  return one_value(those(view, [&](const Side& side) { return side.depth == best; }),
                   nearest ? "is nearest the root" : "is farthest from the root",
                   "several sides are equally near the root");
}

Verdict newest(const View& view) {
  const Side* latest = &view.sides.front();
  for (const Side& side : view.sides) {
    if (side.dot.actor.is_load()) return none("nobody knows when what the first load found was written");
    if (!side.stamp.trusted) return none("the clock of " + side.site + " is not known to be right");
    const std::int64_t earliest = side.stamp.at_ms - side.stamp.error_ms;
    const std::int64_t so_far = latest->stamp.at_ms - latest->stamp.error_ms;
    if (earliest > so_far || (earliest == so_far && side.dot < latest->dot)) latest = &side;
  }
  for (const Side& side : view.sides)
    if (side.value != latest->value &&
        side.stamp.at_ms + side.stamp.error_ms >= latest->stamp.at_ms - latest->stamp.error_ms)
      return none("the times of " + side.site + " and " + latest->site + " overlap");
  return {latest, latest->site + " wrote last"};
}

Verdict owner(const View& view) {
  if (!view.owner) return none("nobody knows which site registered it");
  return one_value(those(view, [&](const Side& s) { return s.writer == *view.owner || s.branch == *view.owner; }),
                   "registered it", "the site that registered it did not write one of the sides");
}

/// The group is a row of a set: an owned row as a whole, or in `life` the root itself.
bool is_element(const GroupName& group) {
  return group == kLifeGroup || (group.find('/') != std::string::npos && group.find('#') == std::string::npos);
}

Verdict kept_in_set(const View& view) {
  const auto live = those(view, [](const Side& side) { return side.value.has_value(); });
  if (!is_element(view.group) || live.size() == view.sides.size()) return none("no side removed it");
  return one_value(live, "changed what another side removed, and it stays", "it was changed in several ways");
}

/// Every cell of `few` stands equally in `many`.
bool holds_all(const GroupValue& many, const GroupValue& few) {
  bool all = true;
  const bool sound =
      for_each_cell(few, [&](NamedCell cell) { all = all && find_cell(many, cell.column) == cell.text; });
  return sound && all;
}

/// Without the value that stood before, only copies that nobody wrote are known to have lost nothing.
bool took_nothing_away(const View& view, const Side& side) {
  if (side.dot.actor.is_load()) return true;
  return view.base && (!*view.base || holds_all(*side.value, **view.base));
}

Verdict fuller(const View& view) {
  if (std::any_of(view.sides.begin(), view.sides.end(), [](const Side& side) { return !side.value; }))
    return none("a side removed it");
  const auto full = those(view, [&](const Side& side) {
    return std::all_of(view.sides.begin(), view.sides.end(),
                       [&](const Side& other) { return holds_all(*side.value, *other.value); });
  });
  if (full.empty()) return none("the sides contradict each other");
  for (const Side& side : view.sides)
    if (side.value != full.front()->value && !took_nothing_away(view, side))
      return none("a side may have taken something away");
  return one_value(full, "only adds to what the others have", "the sides contradict each other");
}

Verdict shown(const View& view) {
  return one_value(those(view, [](const Side& side) { return side.shown; }), "wrote what everybody sees already",
                   "no side is shown");
}

Verdict by_word(Word word, const View& view) {
  switch (word) {
    case Word::parent_wins:
      return by_depth(view, true);
    case Word::child_wins:
      return by_depth(view, false);
    case Word::newest_wins:
      return newest(view);
    case Word::owner_site_wins:
      return owner(view);
    case Word::set_union:
      return kept_in_set(view);
    case Word::adds_information:
      return fuller(view);
    case Word::shown_wins:
      return shown(view);
    case Word::field_merge:
      return none("one field was written twice");
    case Word::safe:
    case Word::program:
    case Word::manual:
      break;
  }
  return none("a person decides");
}

bool fits_type(const Rule& rule, Kind kind, std::string_view type, std::string_view table) {
  return rule.type == "*" || rule.type == kKinds[static_cast<std::size_t>(kind)] || fits(rule.type, type) ||
         fits(rule.type, table);
}

const Rule* first_fitting(const std::vector<Rule>& rules, Kind kind, std::string_view type, std::string_view table,
                          std::string_view group, const std::vector<std::string_view>& sites) {
  for (const Rule& rule : rules) {
    const bool at_site = rule.site == "*" || std::any_of(sites.begin(), sites.end(),
                                                         [&](std::string_view site) { return fits(rule.site, site); });
    if (at_site && fits(rule.group, group) && fits_type(rule, kind, type, table)) return &rule;
  }
  return nullptr;
}

/// Two decisions over one conflict met: the higher tier's stands.
std::optional<Verdict> between_decisions(const View& view) {
  if (!std::all_of(view.sides.begin(), view.sides.end(), [](const Side& side) { return side.is_decision; }))
    return std::nullopt;
  const auto nearest = std::min_element(view.sides.begin(), view.sides.end(),
                                        [](const Side& a, const Side& b) { return a.made_at < b.made_at; });
  Verdict verdict = one_value(those(view, [&](const Side& side) { return side.made_at == nearest->made_at; }), "", "");
  if (verdict.winner == nullptr) return std::nullopt;
  verdict.why = "two nodes decided; the one nearer the root stands";
  return verdict;
}

Decision decide_by(const Rule& rule, const View& view);

Decision decide_safely(const View& view, const std::string& group) {
  return decide_by(*first_fitting(safe_rules(), view.kind, view.type, view.root.table, group, {}), view);
}

Decision decide_by(const Rule& rule, const View& view) {
  Decision decision;
  std::string reasons;
  for (const Word word : {rule.policy, rule.otherwise}) {
    if (word == Word::safe) {
      decision = decide_safely(view, without_keys(view.group));
      if (!reasons.empty()) decision.why = reasons + "; " + decision.why;
      return decision;
    }
    decision.rule =
        decision.rule.empty() ? std::string(to_string(word)) : decision.rule + ", else " + std::string(to_string(word));
    if (word == Word::program) {
      decision.outcome = Decision::Outcome::ask;
      decision.program = rule.program;
      decision.why = reasons.empty() ? "a program of the site decides" : reasons;
      return decision;
    }
    Verdict verdict = by_word(word, view);
    reasons += (reasons.empty() ? "" : "; ") + verdict.why;
    if (verdict.winner != nullptr) {
      decision.outcome = Decision::Outcome::winner;
      decision.winner = verdict.winner->dot;
    }
    if (verdict.winner != nullptr || word == Word::manual) break;
  }
  decision.why = std::move(reasons);
  return decision;
}

}  // namespace

std::string_view to_string(Word word) noexcept { return kWords[static_cast<std::size_t>(word)].second; }

std::optional<Word> parse_word(std::string_view text) noexcept {
  for (const auto& [word, name] : kWords)
    if (name == text) return word;
  return std::nullopt;
}

const std::vector<Rule>& safe_rules() {
  static const std::vector<Rule> rules = {
      {"link", "*", "*", Word::set_union, Word::shown_wins, {}, 0},
      {"metadata", "life", "*", Word::set_union, Word::shown_wins, {}, 0},
      {"metadata", "*", "*", Word::parent_wins, Word::shown_wins, {}, 0},
      {"person", "gender", "*", Word::manual, Word::manual, {}, 0},
      {"person", "birthdate", "*", Word::manual, Word::manual, {}, 0},
      {"person", "death", "*", Word::manual, Word::manual, {}, 0},
      {"person", "patient", "*", Word::manual, Word::manual, {}, 0},
      {"person", "patient_identifier*", "*", Word::set_union, Word::manual, {}, 0},
      {"allergy", "*", "*", Word::set_union, Word::manual, {}, 0},
      {"conditions", "*", "*", Word::set_union, Word::manual, {}, 0},
      {"patient_program", "*", "*", Word::set_union, Word::manual, {}, 0},
      {"*", "*", "*", Word::adds_information, Word::manual, {}, 0},
  };
  return rules;
}

bool fits(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string without_keys(std::string_view group) {
  const std::size_t slash = group.find('/');
  if (slash == std::string_view::npos) return std::string(group);
  const std::size_t part = group.find('#', slash);
  std::string name(group.substr(0, slash));
  if (part != std::string_view::npos) name += group.substr(part);
  return name;
}

const Rule& rule_for(const Policy& policy, Kind kind, std::string_view type, std::string_view table,
                     std::string_view group, const std::vector<std::string_view>& sites) {
  const std::string name = without_keys(group);
  const Rule* rule = first_fitting(policy.rules, kind, type, table, name, sites);
  if (rule == nullptr || rule->policy == Word::safe) rule = first_fitting(safe_rules(), kind, type, table, name, sites);
  return *rule;
}

Decision decide(const Policy& policy, const View& view) {
  Decision decision;
  if (auto verdict = between_decisions(view)) {
    decision.outcome = Decision::Outcome::winner;
    decision.winner = verdict->winner->dot;
    decision.rule = "the higher decision stands";
    decision.why = std::move(verdict->why);
  } else {
    std::vector<std::string_view> sites;
    for (const Side& side : view.sides) sites.push_back(side.site);
    decision = decide_by(rule_for(policy, view.kind, view.type, view.root.table, view.group, sites), view);
  }
  decision.policy = policy.name + "/" + std::to_string(policy.version);
  return decision;
}

std::string describe(const Rule& rule) {
  std::string text =
      (rule.type == "*" ? "any type" : rule.type) + (rule.group == "*" ? ", any field" : ", " + rule.group);
  text += rule.site == "*" ? ", from any site: " : ", written at " + rule.site + ": ";
  text += to_string(rule.policy);
  if (rule.policy == Word::program) text += " " + rule.program;
  if (rule.policy != Word::manual && rule.policy != Word::safe)
    text += ", else " + std::string(to_string(rule.otherwise));
  return text + (rule.line == 0 ? " (built in)" : " (line " + std::to_string(rule.line) + ")");
}

}  // namespace omrsync::conflict
