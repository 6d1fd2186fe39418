// Who decides, where, and what becomes of decisions that meet (section 6).
#include <tuple>

#include "conflict/decision.h"
#include "conflict/policy.h"
#include "tests/sim/run.h"

using namespace omrsync;
using namespace omrsync::sim;
using conflict::Word;

namespace {

/// A run with words for decisions.
struct Deciding : Run {
  explicit Deciding(std::vector<Site> sites = two_clinics()) : Run(std::move(sites)) {}

  /// A writes F, the other U, neither knowing of it; their common parent leaves it to people.
  void disagree(const std::string& other) {
    write("A", "gender", "F");
    write(other, "gender", "U");
    up("A");
    up(other);
    all_is_well();
  }

  void policy(const std::string& at, Word word, Word otherwise = Word::manual, const std::string& program = {}) {
    node(at).policy = std::make_shared<const conflict::Policy>(
        conflict::Policy{at == "P" ? "top" : "district", 1, {{"clinical", "*", "*", word, otherwise, program, 1}}});
  }

  [[nodiscard]] std::vector<node::ConflictRecord> records(const std::string& at) {
    std::vector<node::ConflictRecord> all;
    const auto tx = node(at).disk().read();
    (void)(*tx)->scan(node::tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      if (auto record = node::decode_record<node::ConflictRecord>(entry.value)) all.push_back(std::move(*record));
      return true;
    });
    return all;
  }
  [[nodiscard]] node::ConflictRecord record(const std::string& at) {
    const auto all = records(at);
    REQUIRE(all.size() == 1);
    return all.front();
  }

  /// A person at a node takes the side that was written at `site`.
  void take(const std::string& at, const std::string& site, const std::string& user = "mary") {
    const auto open = record(at);
    node::DecisionRequest request;
    request.conflict = open.id;
    request.root = open.root;
    request.group = open.group;
    const auto state = node(at).state(patient);
    for (const Sibling& s : state->groups.at(open.group).siblings) {
      request.seen.push_back(s.dot);
      if (to_string(s.dot.actor.node) == node(site).id()) request.take = s.dot;
    }
    REQUIRE(request.take);
    conflict::DecisionNote note;
    note.conflict = open.id;
    note.by_user = true;
    note.user = user;
    request.note = conflict::encode(note);
    put(at, request);
  }
  using Run::take;

  void put(const std::string& at, const node::DecisionRequest& request) {
    const auto tx = node(at).disk().write();
    REQUIRE(node::put_record(**tx, node::tables::kDecisions, request.conflict, request));
    REQUIRE((*tx)->commit());
  }

  void everybody_sees(const std::string& word, const GroupName& group = "gender") {
    all_is_well();
    for (std::size_t place = 0; place < size(); ++place) {
      INFO(node(place).name());
      CHECK(screen(node(place).name(), group) == word);
      CHECK(sides(node(place).name(), group) == Words{word});
      CHECK(conflicts(node(place).name()).empty());
      for (const node::ConflictRecord& each : records(node(place).name())) CHECK(each.id == records("P").front().id);
    }
  }
};

}  // namespace

TEST_CASE("A policy decides where both sides meet, once, and the conflict is listed with one id everywhere",
          "[conflict]") {
  Deciding run;
  const auto [word, shown] = GENERATE(std::tuple{Word::shown_wins, "F"}, std::tuple{Word::owner_site_wins, "G"});
  run.policy("P", word);
  run.write("A", "gender", "F");
  if (word == Word::owner_site_wins)
    run.write("P", "gender", "G");  // which registered the patient
  else
    run.write("B", "gender", "U");
  run.drive("P", "capture");
  run.up("A");
  run.up("B");
  run.everybody_sees(shown);
  const auto record = run.record("P");
  CHECK(record.decided_by == "rule");
  CHECK(record.policy == "top/1");
  CHECK(record.rule == to_string(word));
  CHECK(!record.reason.empty());
  CHECK(record.sides.size() >= 2);
  CHECK(record.taken->sibling.value == Run::value(shown));
  for (const node::RecordedSide& side : record.sides) CHECK(side.sibling.value);
  CHECK(run.record("A").policy == "top/1");
  CHECK(run.record("B").reason == record.reason);
}

TEST_CASE("The newest wins where the clocks of both sides were compared with the parent's", "[conflict]") {
  Deciding run;
  run.policy("P", Word::newest_wins);
  run.write("A", "gender", "F");
  run.drive("A", "capture");
  run.pass(std::chrono::minutes(1));
  run.write("B", "gender", "U");
  SECTION("the later one") {
    run.up("B");
    run.up("A");
    run.everybody_sees("U");
    CHECK(run.record("P").rule == "newest-wins");
  }
  SECTION("nobody, where a clock was set meanwhile") {
    run.node("B").clock.jump_utc(std::chrono::hours(1));
    run.up("B");
    run.up("A");
    run.all_is_well();
    CHECK(run.conflicts("P").size() == 1);
  }
}

TEST_CASE("Two writes in the same second have no newest", "[conflict]") {
  Deciding run;
  run.policy("P", Word::newest_wins);
  run.disagree("B");
  CHECK(run.conflicts("P").size() == 1);
}

TEST_CASE("The district decides between its own clinics, whatever the policy above is", "[conflict]") {
  Deciding run(with_district());
  run.policy("D", Word::shown_wins);
  run.policy("P", Word::child_wins);
  run.write("A", "gender", "F");
  run.write("K", "gender", "U");
  run.up("A");
  run.up("K");
  run.everybody_sees("F");
  CHECK(run.record("D").policy == "district/1");
  CHECK(run.record("P").policy == "district/1");
  CHECK(run.record("B").decided_by == "rule");
}

TEST_CASE("A district leaves to the parent what the parent will see", "[conflict]") {
  Deciding run(with_district());
  run.policy("D", Word::shown_wins);
  run.policy("P", Word::child_wins);  // A is farther from the root than B
  run.write("B", "gender", "U");
  run.up("B");
  run.down("D");
  run.write("A", "gender", "F");
  run.up("A");
  CHECK(run.conflicts("D").size() == 1);
  run.everybody_sees("F");
  CHECK(run.record("P").policy == "top/1");
  CHECK(run.record("D").policy == "top/1");
}

TEST_CASE("A clinician at the parent who may not have seen what a child sent: the parent's policy decides",
          "[conflict]") {
  Deciding run;
  const auto [word, seen] = GENERATE(std::tuple{Word::child_wins, "F"}, std::tuple{Word::parent_wins, "X"});
  run.policy("P", word);
  run.write("A", "gender", "F");
  run.up("A");
  run.write("P", "gender", "X");  // within the unseen window
  run.everybody_sees(seen);
  CHECK(run.record("P").policy == "top/1");
}

TEST_CASE("A clinician at a child who may not have seen what came from above: the child does not decide",
          "[conflict]") {
  Deciding run;
  run.policy("A", Word::child_wins);
  run.write("P", "gender", "F");
  run.drive("P", "capture");
  run.down("A");
  run.write("A", "gender", "X");
  run.all_is_well();
  CHECK(run.conflicts("P") == run.conflicts("A"));
  CHECK(run.conflicts("P").size() == 1);
}

TEST_CASE("A person decides at the centre: one value, closed everywhere, who and why are known everywhere",
          "[conflict]") {
  Deciding run;
  run.disagree("B");
  CHECK(run.conflicts("A").size() == 1);
  run.take("P", "B");
  run.everybody_sees("U");
  for (const char* at : {"P", "A", "B"}) {
    CHECK(run.record(at).decided_by == "user");
    CHECK(run.record(at).user == "mary");
    CHECK(run.record(at).sides.size() == 2);
  }
}

TEST_CASE("A decision that is undone brings the other value back, and is marked so everywhere", "[conflict]") {
  Deciding run;
  run.disagree("B");
  run.take("P", "B");
  run.everybody_sees("U");
  auto decided = run.record("P");
  node::DecisionRequest request;
  request.conflict = decided.id;
  request.root = decided.root;
  request.group = decided.group;
  request.value = std::optional<GroupValue>(Run::value("F"));
  conflict::DecisionNote note;
  note.conflict = decided.id;
  note.by_user = note.undoes = true;
  request.note = conflict::encode(note);
  run.put("P", request);
  run.everybody_sees("F");
  for (const char* at : {"P", "A", "B"}) CHECK(run.record(at).undone);
}

TEST_CASE("Two people decide at once: the higher tier's decision stands", "[conflict]") {
  Deciding run(with_district());
  const bool district_first = GENERATE(true, false);
  run.disagree("K");
  run.network().cut(run.node("D").id(), true);
  run.take(district_first ? "D" : "P", district_first ? "A" : "K", district_first ? "dora" : "paul");
  run.take(district_first ? "D" : "P");
  run.take(district_first ? "P" : "D", district_first ? "K" : "A", district_first ? "paul" : "dora");
  run.take(district_first ? "P" : "D");
  CHECK(run.screen("D", "gender") == "F");
  CHECK(run.screen("P", "gender") == "U");
  run.all_is_well();
  for (std::size_t place = 0; place < run.size(); ++place) {
    const std::string at = run.node(place).name();
    INFO(at);
    CHECK(run.screen(at, "gender") == "U");
    CHECK(run.conflicts(at).empty());
    CHECK(run.record(at).user == "paul");
  }
}

TEST_CASE("A decision made while another side arrives leaves that side in conflict", "[conflict]") {
  Deciding run;
  run.disagree("B");
  run.pass(Run::kLater);
  run.network().cut(run.node("B").id(), true);
  run.write("B", "gender", "Z");  // having seen F and U
  run.drive("B", "capture");
  run.take("P", "A");
  run.take("P");
  CHECK(run.conflicts("P").empty());
  run.all_is_well();
  CHECK(run.conflicts("P").size() == 1);
  auto both = run.sides("P", "gender");
  std::sort(both.begin(), both.end());
  CHECK(both == Words{"F", "Z"});
}

TEST_CASE("The power fails at any step of a decision: it is written once", "[conflict]") {
  const auto when = GENERATE(Power::Cut::before, Power::Cut::after);
  for (std::uint64_t step = 1; step <= 6; ++step) {
    Deciding run;
    run.disagree("B");
    run.take("P", "B");
    run.node("P").power.cut_at(step, when);
    run.take("P");
    run.restart(0);
    run.everybody_sees("U");
    CHECK(run.audited("P", "conflict.decided") == 1);
  }
}

TEST_CASE("Where the policy names a program that cannot be asked, people decide, and the reason is listed",
          "[conflict]") {
  Deciding run;
  run.policy("P", Word::program, Word::manual, "/opt/ask");
  run.disagree("B");
  CHECK(run.conflicts("P").size() == 1);
  CHECK(run.record("P").rule == "manual: the program /opt/ask: no program can be asked here");
}

TEST_CASE("A write over a conflict keeps what it replaced in the record", "[conflict]") {
  Deciding run;
  run.disagree("B");
  run.pass(Run::kLater);
  run.write("P", "gender", "U");  // over F, with the value that is not shown
  run.all_is_well();
  const auto record = run.record("P");
  CHECK(record.decided_by == "write");
  REQUIRE(record.sides.size() == 2);
  CHECK(record.sides[0].sibling.value == Run::value("F"));
}
