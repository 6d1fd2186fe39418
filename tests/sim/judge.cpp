#include "tests/sim/judge.h"

#include <algorithm>
#include <set>

#include "adapters/memory/openmrs_transaction.h"
#include "conflict/join.h"
#include "node/store/facts.h"
#include "protocol/json.h"

namespace omrsync::sim {
std::string spell(const std::optional<GroupValue>& value) {
  if (!value) return "(gone)";
  return std::string(find_cell(*value, "w").value_or(value->empty() ? "(empty)" : "(other)"));
}

static std::string spell(const Place& place) { return place.root.table + "/" + place.root.key + " " + place.group; }

static std::string lives(const Actor& actor) {
  return actor.incarnation.counter < 2 ? "" : std::string(actor.incarnation.counter - 1, '\'');
}

static std::string spell(const Group& group) {
  std::string text;
  for (const Sibling& s : group.siblings)
    text += " " + std::to_string(s.dot.actor.node.bytes[0]) + lives(s.dot.actor) + ":" +
            std::to_string(s.dot.sequence % 10'000) + (s.dot == group.shown ? "*" : "") + "=" + spell(s.value);
  return text;
}

static std::string spell(const Context& context) {
  std::string text = "[";
  for (const auto& [actor, sequence] : context.highest)
    text += std::to_string(actor.node.bytes[0]) + lives(actor) + ":" + std::to_string(sequence) + " ";
  return text + "+" + std::to_string(context.load_dots.size()) + " loads]";
}

std::string spell(const std::optional<RootState>& state) {
  if (!state) return "nothing";
  std::string text = spell(state->context);
  for (const auto& [name, group] : state->groups) text += "; " + name + ":" + spell(group);
  return text;
}

namespace {

class Judge {
 public:
  explicit Judge(Country& country) : country_(country) {}

  std::vector<std::string> all() {
    wrong_ = country_.chart().complaints();
    collect();
    compare_nodes();
    compare_databases();
    for (std::size_t place = 0; place < country_.size(); ++place) read_audit(country_.node(place));
    collect_kept();
    find_writes();
    check_references();
    for (std::size_t place = 0; place < country_.size(); ++place) look_into(country_.node(place));
    return std::move(wrong_);
  }

 private:
  void say(std::string text) { wrong_.push_back(std::move(text)); }

  void collect() {
    for (std::size_t place = 0; place < country_.size(); ++place) {
      SimNode& node = country_.node(place);
      for (const auto& [root, row] : *node.openmrs.rows()) roots_.insert(root);
      const auto tx = node.disk().read();
      std::set<std::string> tables;
      for (const auto& [root, row] : *node.openmrs.rows()) tables.insert(root.table);
      (void)(*tx)->scan(node::tables::kLedger, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
        tables.insert(node::tables::root_from(entry.key).table);
        return true;
      });
      (void)(*tx)->scan(node::tables::kRuns, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
        tables.emplace(entry.key);
        return true;
      });
      for (const std::string& table : tables) {
        const auto known = node::ledger_roots(**tx, table, "", SIZE_MAX);
        roots_.insert(known->begin(), known->end());
      }
    }
    for (const RootKey& root : roots_)
      for (std::size_t place = 0; place < country_.size(); ++place)
        states_[root].push_back(country_.node(place).state(root));
  }

  void compare_nodes() {
    for (const auto& [root, states] : states_)
      for (std::size_t place = 1; place < states.size(); ++place) {
        if (states[place] == states[0]) continue;
        const bool only_context = states[place] && states[0] && states[place]->groups == states[0]->groups;
        say("I1 " + root.table + "/" + root.key + (only_context ? " contexts differ" : " differs") + " at " +
            country_.node(place).name() + ":\n    " + spell(states[0]) + "\n    " + spell(states[place]));
      }
  }

  void compare_databases() {
    for (const auto& [root, states] : states_)
      for (std::size_t place = 0; place < states.size(); ++place) {
        const auto row = country_.node(place).openmrs.find(root);
        if (!states[place]) continue;
        std::map<GroupName, GroupValue> shown;
        bool purged = true;
        for (const auto& [name, group] : states[place]->groups)
          for (const Sibling& s : group.siblings)
            if (s.dot == group.shown && s.value) {
              shown[name] = *s.value;
              purged = purged && name != kLifeGroup;
            }
        if (purged) shown.clear();
        const auto held = row ? row->groups : std::map<GroupName, GroupValue>{};
        if (held == shown) continue;
        std::string text = "the database of " + country_.node(place).name() + " does not show the state of " +
                           root.table + "/" + root.key + ":" + spell(states[place]) + "; held:";
        for (const auto& [name, value] : held) text += " " + name + "=" + spell(value);
        say(text);
      }
  }

  /// Roots that were purged somewhere and stayed, because others refer to them: their nodes wrote, nobody in the chart
  /// did.
  void collect_kept() {
    for (const auto& [place, writes] : country_.chart().standing())
      if (place.root.table == "users" && place.group == kLifeGroup && !writes.back()->value) kept_.insert(place.root);
    if (country_.chart().was_put_back())  // the list went with the machine; a life that no people wrote tells of it
      for (const auto& [root, states] : states_)
        for (const auto& state : states)
          if (state && state->groups.contains(kLifeGroup))
            for (const Sibling& s : state->groups.at(kLifeGroup).siblings)
              if (spell(s.value) == "(other)") kept_.insert(root);
    for (std::size_t place = 0; place < country_.size(); ++place) {
      const auto tx = country_.node(place).disk().read();
      (void)(*tx)->scan(node::tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
        const auto record = node::decode_record<node::ConflictRecord>(entry.value);
        if (record && record->kind == "dangling-parent") kept_.insert(record->root);
        return true;
      });
    }
  }

  /// Nothing that is referred to was deleted (D30).
  void check_references() {
    for (std::size_t place = 0; place < country_.size(); ++place) {
      const auto& openmrs = country_.node(place).openmrs;
      const auto rows = openmrs.rows();
      for (const auto& [root, row] : *rows)
        for (const memory::TwinTable& table : openmrs.schema()) {
          if (table.table.table != root.table) continue;
          for (const memory::TwinTarget& target : memory::targets_of(table, *row))
            if (!rows->contains(target.root))
              say("D30 " + root.table + "/" + root.key + " of " + country_.node(place).name() + " refers to " +
                  target.root.table + "/" + target.root.key + ", which is gone");
        }
    }
  }

  static bool is_decided_by_parent(const RootKey& root) {
    return root.table == "location" || root.table == "users" || root.table == "location_tag_map";
  }

  void find_writes() {
    for (const auto& [place, writes] : country_.chart().standing()) {
      if (is_bookkeeping(place.group) || kept_.contains(place.root)) continue;
      const auto states = states_.find(place.root);
      if (states == states_.end()) {
        say("I2 nobody knows " + spell(place));
        continue;
      }
      for (std::size_t node = 0; node < country_.size(); ++node) judge_group(place, writes, node, states->second[node]);
    }
  }

  void judge_group(const Place& place, const std::vector<const Written*>& writes, std::size_t node,
                   const std::optional<RootState>& state) {
    std::set<std::optional<GroupValue>> there, due;
    std::optional<GroupValue> shown;
    if (state)
      if (const auto group = state->groups.find(place.group); group != state->groups.end())
        for (const Sibling& s : group->second.siblings) {
          there.insert(s.value);
          if (s.dot == group->second.shown) shown = s.value;
        }
    for (const Written* each : writes) due.insert(each->value);
    const std::string at = " at " + country_.node(node).name() + " (" + spell(place) +
                           ", there: " + (state ? spell(*state) : "nothing") + ")";
    if (is_decided_by_parent(place.root)) {
      const bool plain = country_.chart().is_chain(place) && !country_.chart().is_loose(place);
      if (plain && !due.contains(shown))
        say("I2 what is shown was superseded by somebody who had seen it: " + spell(shown) + at);
      return;
    }
    const auto decided = decided_.find(place);
    for (const auto& value : due) {
      const bool recorded = decided != decided_.end() && decided->second.contains(value);
      if (!there.contains(value) && !recorded && !audited_.contains(place)) say("I2 lost: " + spell(value) + at);
    }
    if (decided != decided_.end())
      return;  // what is shown is somebody's choice; that the nodes agree is looked at elsewhere
    // Beside an end that somebody did not know of stands what life was to him: his node wrote it.
    const bool beside_end = place.group == kLifeGroup && there.size() > 1;
    if (!country_.chart().is_loose(place) && !beside_end)
      for (const auto& value : there)
        if (!due.contains(value)) say("superseded and still there: " + spell(value) + at);
    if (place.group == kLifeGroup && due.contains(std::nullopt) && shown) say("I5 a tombstone is not shown" + at);
  }

  /// A write that took the place of what its author may not have seen is listed as such (D7c, R23).
  void read_audit(SimNode& node) {
    const auto tx = node.disk().read();
    (void)(*tx)->scan(node::tables::kAudit, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const auto record = parse_json(entry.value.substr(std::min<std::size_t>(32, entry.value.size())));
      if (!record || record->text_of("act") != "perhaps unseen") return true;
      const auto text = [&](const char* key) { return std::string(record->text_of(key)); };
      audited_.insert({{text("table"), text("root")}, text("group")});
      return true;
    });
    // What lost to a policy or a person is kept with its value (I12).
    (void)(*tx)->scan(node::tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const auto record = node::decode_record<node::ConflictRecord>(entry.value);
      if (!record || !record->taken) return true;
      auto& values = decided_[{record->root, record->group}];
      for (const node::RecordedSide& side : record->sides) values.insert(side.sibling.value);
      values.insert(record->taken->sibling.value);
      return true;
    });
  }

  void look_into(SimNode& node) {
    const auto tx = node.disk().read();
    const auto check = node::verify_audit(**tx);
    if (!check || check->first_bad) say("I12 the audit chain of " + node.name() + " is broken");
    std::set<std::string> ended;
    (void)(*tx)->scan(node::tables::kAudit, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const std::string record(entry.value.substr(std::min<std::size_t>(32, entry.value.size())));
      if (!record.starts_with(R"({"act":"set")") || country_.chart().was_put_back()) return true;
      const auto from = record.find(R"("set":)"), to = record.find(R"(,"roots")");
      if (from != std::string::npos && !ended.insert(record.substr(from, to - from)).second)
        say("I3 taken twice at " + node.name() + ": " + record);
      return true;
    });
    (void)(*tx)->scan(node::tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const auto item = node::decode_record<node::InboxItem>(entry.value);
      if (!item) return true;
      std::string text = "a set still waits at " + node.name() + ": state " +
                         std::to_string(static_cast<int>(item->state)) + ", " + item->reason + ", roots";
      for (const RootKey& root : item->roots) text += " " + root.table + "/" + root.key;
      text += ", for";
      for (const RootKey& root : item->waits_for) text += " " + root.table + "/" + root.key;
      say(text);
      return true;
    });
    if (const auto link = node::link_record(**tx, node::kParentLink); link && link->error_code != 0)
      say("the line of " + node.name() + " is broken: " + link->error_message);
    for (const auto table : {node::tables::kOutbox, node::tables::kFrozen, node::tables::kSent}) {
      const auto left = node::count_range(**tx, table, "", "");
      if (!left || *left > 0)
        say(std::string(table.name) + " of " + node.name() + " holds " + std::to_string(left ? *left : 0) +
            " rows still");
    }
  }

  Country& country_;
  std::set<RootKey> roots_;
  std::set<Place> audited_;
  std::map<Place, std::set<std::optional<GroupValue>>>
      decided_;  ///< by a policy or a person: the values of its records
  std::set<RootKey> kept_;
  std::map<RootKey, std::vector<std::optional<RootState>>> states_;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> judge(Country& country) { return Judge(country).all(); }

std::string verdict(Country& country) {
  std::string text;
  for (const std::string& each : judge(country)) text += each + "\n";
  return text;
}

}  // namespace omrsync::sim
