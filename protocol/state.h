#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocol/ids.h"

namespace omrsync {

/// Identity of a row tree (D27): the root table and its canonical key. `key` is the lower-case uuid, or for tables
/// whose identity is natural the server's own canonical form of that key.
struct RootKey {
  std::string table;
  std::string key;
  auto operator<=>(const RootKey&) const = default;
};

/// A set of columns that change together, named within its root:
///   "gender"                      columns of the root row
///   "person_name/<uuid>"          an owned row; its value is absent when that row was deleted
///   "person_name/<uuid>#life"     one group of several of an owned row
/// Two last parts have a meaning everywhere: `life` (voided or retired, by whom, when, why; of the root row also its
/// existence) and `changed` (bookkeeping: who changed the row last, and when; never a conflict).
using GroupName = std::string;

/// The group's value on the wire: see protocol/cells.h. The conflict layer compares it and never looks inside.
using GroupValue = std::string;

inline constexpr const char* kLifeGroup = "life";

[[nodiscard]] inline bool is_bookkeeping(const GroupName& group) noexcept {
  return group == "changed" || group.ends_with("#changed");
}

/// When a write was made, as well as its maker's clock can tell. Milliseconds since 1970 UTC.
struct Stamp {
  std::int64_t at_ms = 0;
  std::int64_t error_ms = 0;  ///< true time is within at ± error
  bool trusted = false;
  auto operator<=>(const Stamp&) const = default;
};

/// One of several values that were written to a group without knowledge of each other.
struct Sibling {
  Dot dot;
  std::string author;  ///< uuid of the OpenMRS user, or empty
  Stamp stamp;
  std::optional<GroupValue> value;  ///< none: the group's row was deleted; in `life`: the root was purged
  std::string decision{};  ///< of a decision over others: who and why (conflict/decision.h); empty: an ordinary write
  bool operator==(const Sibling&) const = default;
};

/// What a group holds: its siblings by rising dot, and which of them OpenMRS shows (section 6.3 of the conflict rules).
struct Group {
  std::vector<Sibling> siblings;
  Dot shown;
  bool operator==(const Group&) const = default;
};

/// Which writes a state has seen: per actor the highest sequence, and of the load actor a set (D26).
class Context {
 public:
  [[nodiscard]] bool covers(const Dot& dot) const noexcept {
    if (dot.actor.is_load()) return load_dots.contains(dot.sequence);
    const auto found = highest.find(dot.actor);
    return found != highest.end() && dot.sequence <= found->second;
  }

  void add(const Dot& dot) {
    if (dot.actor.is_load()) {
      load_dots.insert(dot.sequence);
    } else {
      auto& high = highest[dot.actor];
      if (dot.sequence > high) high = dot.sequence;
    }
  }

  void add(const Context& other) {
    for (const auto& [actor, sequence] : other.highest) add(Dot{actor, sequence});
    load_dots.insert(other.load_dots.begin(), other.load_dots.end());
  }

  bool operator==(const Context&) const = default;

  std::map<Actor, std::uint64_t> highest;
  std::set<std::uint64_t> load_dots;
};

/// The whole state of a root (D24): joins are over whole states, so order, repetition and omission cannot lose
/// anything.
struct RootState {
  Context context;
  std::map<GroupName, Group> groups;
  bool operator==(const RootState&) const = default;
};

}  // namespace omrsync
