#pragma once

#include "tests/sim/country.h"
#include "tests/sim/judge.h"
#include "tests/support/catch.h"

namespace omrsync::sim {

inline const RootKey kVisit{"encounter", "e"};
inline const RootKey kNote{"obs", "o"};

/// The stage of a named run: a country at rest, one patient known to everybody, and words for what happens.
struct Run : Country {
  static constexpr std::chrono::milliseconds kLater =
      std::chrono::minutes(16);  ///< nobody is "perhaps unseen" any more

  explicit Run(std::vector<Site> sites = two_clinics(), bool with_patient = true) : Country(std::move(sites), 1) {
    start_all();
    for (std::size_t place = 0; place < size(); ++place) drive(node(place).name(), "capture");
    if (!with_patient) return;
    REQUIRE(staff("P").write(patient, {{"gender", value("M")}, {"birthdate", value("1990")}}));
    REQUIRE(settle());
    pass(kLater);
  }

  /// A value that says what it is; each word once.
  static GroupValue value(const std::string& word, std::vector<NamedCell> cells = {}) {
    cells.push_back({"w", word});
    return encode_cells(std::move(cells));
  }

  void write(const std::string& at, const GroupName& group, const std::string& word) {
    REQUIRE(staff(at).write(patient, {{group, value(word)}}));
  }

  /// What is written at `at` is captured, sent and taken by its parent, and nothing comes down.
  void up(const std::string& at) {
    drive(at, "capture");
    drive(at, "push", 8);
    take(node(at).parent()->name());
  }

  /// Everything that waits at the parent comes down, and nothing goes up.
  void down(const std::string& at) {
    drive(at, "pull", 8);
    take(at);
  }

  void take(const std::string& at) {
    for (int i = 0; i < 4; ++i) {
      drive(at, "apply");
      drive(at, "capture");
      pass(std::chrono::milliseconds(100));
    }
  }

  [[nodiscard]] bool is_voided(const std::string& at, const RootKey& root) {
    const auto life = staff(at).value_of({root, "life"});
    return life && find_cell(*life, "voided") == "1";
  }

  /// Words of the group's siblings at a node, the shown one first.
  [[nodiscard]] std::vector<std::string> sides(const std::string& at, const RootKey& root, const GroupName& group) {
    std::vector<std::string> words;
    const auto state = node(at).state(root);
    if (!state || !state->groups.contains(group)) return words;
    const Group& held = state->groups.at(group);
    for (const Sibling& s : held.siblings) {
      const auto place = s.dot == held.shown ? words.begin() : words.end();
      words.insert(place, s.value ? std::string(find_cell(*s.value, "w").value_or("?")) : "gone");
    }
    return words;
  }
  [[nodiscard]] std::vector<std::string> sides(const std::string& at, const GroupName& group) {
    return sides(at, patient, group);
  }

  /// What the people at a node see.
  [[nodiscard]] std::string screen(const std::string& at, const RootKey& root, const GroupName& group) {
    const auto held = staff(at).value_of({root, group});
    return held ? std::string(find_cell(*held, "w").value_or("?")) : "gone";
  }
  [[nodiscard]] std::string screen(const std::string& at, const GroupName& group) { return screen(at, patient, group); }

  /// Open conflicts that a node lists.
  [[nodiscard]] std::vector<std::string> conflicts(const std::string& at) {
    std::vector<std::string> ids;
    const auto tx = node(at).disk().read();
    (void)(*tx)->scan(node::tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      const auto record = node::decode_record<node::ConflictRecord>(entry.value);
      if (record && record->open) ids.push_back(record->id);
      return true;
    });
    return ids;
  }

  /// The open conflict over a root that was purged and stays, with who refers to it.
  [[nodiscard]] std::optional<node::ConflictRecord> dangling(const std::string& at, const RootKey& root) {
    std::optional<node::ConflictRecord> found;
    const auto tx = node(at).disk().read();
    (void)(*tx)->scan(node::tables::kConflicts, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      auto record = node::decode_record<node::ConflictRecord>(entry.value);
      if (record && record->open && record->kind == "dangling-parent" && record->root == root)
        found = std::move(*record);
      return true;
    });
    return found;
  }

  /// Sets that wait at a node.
  [[nodiscard]] std::vector<node::InboxItem> inbox(const std::string& at) {
    std::vector<node::InboxItem> items;
    const auto tx = node(at).disk().read();
    (void)(*tx)->scan(node::tables::kInbox, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      if (auto item = node::decode_record<node::InboxItem>(entry.value)) items.push_back(std::move(*item));
      return true;
    });
    return items;
  }

  /// Records of the audit that begin with this act.
  [[nodiscard]] std::size_t audited(const std::string& at, const std::string& act) {
    std::size_t count = 0;
    const auto tx = node(at).disk().read();
    (void)(*tx)->scan(node::tables::kAudit, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
      count += entry.value.substr(32).starts_with("{\"act\":\"" + act + "\"");
      return true;
    });
    return count;
  }

  void all_is_well() {
    REQUIRE(settle());
    CHECK(verdict(*this) == "");
  }

  RootKey patient{"person", "patient"};
};

using Words = std::vector<std::string>;

}  // namespace omrsync::sim
