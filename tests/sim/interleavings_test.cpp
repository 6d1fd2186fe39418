// Every way in which two people can edit, void, un-void, purge and merge one patient at two nodes, and what becomes of
// it: interleavings.golden, a sentence a row.
#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;

namespace {

const RootKey kWinner{"person", "winner"};

enum class Act { edit, edit_other, void_it, unvoid, purge, merge };
constexpr std::array kActs{Act::edit, Act::edit_other, Act::void_it, Act::unvoid, Act::purge, Act::merge};

const char* to_string(Act act) {
  switch (act) {
    case Act::edit:
      return "edits the gender";
    case Act::edit_other:
      return "edits the birthdate";
    case Act::void_it:
      return "voids";
    case Act::unvoid:
      return "un-voids";
    case Act::purge:
      return "purges";
    case Act::merge:
      return "merges it into another";
  }
  return "";
}

/// Who knows of what: neither of the other's, and whose reaches the parent first; or the second of the first's.
enum class Order { first_arrives_first, second_arrives_first, second_has_seen };

const char* to_string(Order order) {
  switch (order) {
    case Order::first_arrives_first:
      return "unseen, in this order";
    case Order::second_arrives_first:
      return "unseen, in the other order";
    case Order::second_has_seen:
      return "having seen it";
  }
  return "";
}

struct Ward : Run {
  explicit Ward(bool voided) {
    REQUIRE(staff("P").write(kWinner, {{"gender", value("W")}}));
    REQUIRE(staff("P").write(kVisit, {{"row", value("visit", {{"patient_id", patient.key}})}}));
    const std::string mark = voided ? "1" : "0";
    REQUIRE(staff("P").write(patient, {{"life", value(voided ? "voided before" : "as it was", {{"voided", mark}})}}));
    REQUIRE(settle());
    pass(kLater);
  }

  [[nodiscard]] bool refers(const std::string& at, const RootKey& target) {
    const auto row = staff(at).value_of({kVisit, "row"});
    return row && find_cell(*row, "patient_id") == target.key;
  }

  /// False: there is nothing to do it with.
  bool act(const std::string& at, Act what) {
    Staff& people = staff(at);
    if (!people.value_of({patient, "gender"})) return false;
    const auto life = [&](const char* voided) {
      return std::pair<const GroupName, std::optional<GroupValue>>{"life", value(at + "'s", {{"voided", voided}})};
    };
    switch (what) {
      case Act::edit:
        return people.write(patient, {{"gender", value(at + "'s")}});
      case Act::edit_other:
        return people.write(patient, {{"birthdate", value(at + "'s")}});
      case Act::void_it:
        return people.write(patient, {life("1")});
      case Act::unvoid:
        return people.write(patient, {life("0")});
      case Act::purge:
        return (!refers(at, patient) || people.purge(kVisit)) && people.purge(patient);
      case Act::merge:
        return people.write_many(
            {{patient, {life("1")}}, {kVisit, {{"row", value(at + "'s", {{"patient_id", kWinner.key}})}}}});
    }
    return false;
  }

  void arrives(const std::string& at) {
    drive(at, "capture");
    if (at != "P") up(at);
  }

  /// The shown word of a group, the others behind it.
  [[nodiscard]] std::string words(const RootKey& root, const GroupName& group) {
    const Words all = sides("P", root, group);
    if (all.empty()) return "unknown";
    std::string text = all.front();
    std::set<std::string> others(all.begin() + 1, all.end());
    for (const std::string& other : others) text += (&other == &*others.begin() ? " (aside: " : ", ") + other;
    return others.empty() ? text : text + ")";
  }

  [[nodiscard]] std::string stands() {
    const auto life = staff("P").value_of({patient, "life"});
    if (!staff("P").value_of({patient, "gender"})) return "is gone";
    return life && find_cell(*life, "voided") == "1" ? "is voided" : "lives";
  }

  /// Open conflicts, by what they are over.
  [[nodiscard]] std::string open() {
    std::set<std::string> all;
    const auto tx = node("P").disk().read();
    (void)(*tx)->scan(node::tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const auto record = node::decode_record<node::ConflictRecord>(entry.value);
      if (record && record->open) all.insert(record->root.table + " " + record->group + " (" + record->kind + ")");
      return true;
    });
    std::string text;
    for (const std::string& each : all) text += (text.empty() ? "" : ", ") + each;
    return all.empty() ? "nothing to review" : "to review: " + text;
  }

  [[nodiscard]] std::string outcome() {
    const std::string visit = !staff("P").value_of({kVisit, "row"}) ? "is gone"
                              : refers("P", kWinner)                ? "is the other's"
                                                                    : "is its own";
    return "The patient " + stands() + ", gender " + words(patient, "gender") + ", birthdate " +
           words(patient, "birthdate") + ", life " + words(patient, "life") + "; the visit " + visit + "; " + open() +
           ".";
  }
};

std::string play(const std::string& first, Act one, const std::string& second, Act other, Order order) {
  const bool seen = order == Order::second_has_seen;
  Ward ward(one == Act::unvoid || (other == Act::unvoid && !(seen && one != Act::edit && one != Act::edit_other)));
  REQUIRE(ward.act(first, one));
  std::string text =
      first + " " + to_string(one) + ", " + second + " " + to_string(other) + ", " + to_string(order) + ": ";
  if (seen) {
    ward.all_is_well();
    ward.pass(Run::kLater);
    if (!ward.act(second, other)) return text + "There is nothing to do it with. " + ward.outcome();
    ward.all_is_well();
    return text + ward.outcome();
  }
  REQUIRE(ward.act(second, other));
  const bool turned = order == Order::second_arrives_first;
  ward.arrives(turned ? second : first);
  ward.arrives(turned ? first : second);
  ward.all_is_well();
  return text + ward.outcome();
}

std::vector<std::string> all_rows() {
  std::vector<std::string> rows;
  for (const auto& [first, second] : {std::pair{"A", "B"}, std::pair{"A", "P"}, std::pair{"P", "A"}})
    for (const Act one : kActs)
      for (const Act other : kActs)
        for (const Order order : {Order::first_arrives_first, Order::second_arrives_first, Order::second_has_seen}) {
          const bool same_as_another = order != Order::second_has_seen && std::string(first) == "P";
          if (!same_as_another) rows.push_back(play(first, one, second, other, order));
        }
  return rows;
}

}  // namespace

TEST_CASE("whatever two people do to a patient at once, the outcome is as written down", "[interleavings]") {
  const std::vector<std::string> rows = all_rows();
  std::ofstream written("interleavings.actual");  // beside the golden file's place when the outcome is to change
  for (const std::string& row : rows) written << row << "\n";
  std::ifstream golden(OMRSYNC_INTERLEAVINGS);
  REQUIRE(golden.is_open());
  std::size_t line = 0;
  for (std::string row; std::getline(golden, row); ++line) {
    REQUIRE(line < rows.size());
    CHECK(rows[line] == row);
  }
  CHECK(line == rows.size());
}

TEST_CASE("two clinics write one field in the same second, a thousand times: one value, one conflict, none lost",
          "[interleavings]") {
  Run run;
  constexpr int kTrials = 1000;
  std::vector<RootKey> patients;
  for (int i = 0; i < kTrials; ++i) patients.push_back({"person", "p" + std::to_string(i)});
  for (const RootKey& each : patients) REQUIRE(run.staff("P").write(each, {{"gender", Run::value("?")}}));
  REQUIRE(run.settle());
  run.pass(Run::kLater);
  for (const RootKey& each : patients)
    for (const char* at : {"A", "B"}) REQUIRE(run.staff(at).write(each, {{"gender", Run::value(at)}}));
  run.all_is_well();
  CHECK(run.conflicts("P").size() == kTrials);
  for (const char* at : {"A", "B"}) CHECK(run.conflicts(at) == run.conflicts("P"));
  for (const RootKey& each : patients) {
    const Words sides = run.sides("P", each, "gender");
    CHECK(std::set<std::string>(sides.begin(), sides.end()) == std::set<std::string>{"A", "B"});
    for (const char* at : {"A", "B", "P"}) {
      CHECK(run.sides(at, each, "gender") == sides);
      CHECK(run.screen(at, each, "gender") == sides.front());
    }
  }
}
