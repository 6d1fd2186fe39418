#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omrsync {

/// 16 bytes of a uuid; as text always lower case with hyphens.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool empty() const noexcept { return *this == Uuid{}; }
};

[[nodiscard]] std::string to_string(const Uuid& uuid);
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text) noexcept;

/// One life of a node's database (D25, D28): a counter that people see, and chance that tells clones apart.
struct Incarnation {
  std::uint32_t counter = 0;
  std::uint64_t chance = 0;
  auto operator<=>(const Incarnation&) const = default;
};

/// Who writes: a node in one of its lives. The default value is the *load actor* of D26.
struct Actor {
  Uuid node;
  Incarnation incarnation;
  auto operator<=>(const Actor&) const = default;
  [[nodiscard]] bool is_load() const noexcept { return node.empty(); }
};

/// One write, named for ever: the actor's sequence, or (load actor) the keyed hash of what stood there.
/// One dot, one value: the same dot never stands for two values of a group (D24).
struct Dot {
  Actor actor;
  std::uint64_t sequence = 0;
  auto operator<=>(const Dot&) const = default;
};

/// "<node>/<incarnation counter>/<sequence>"; a load dot is "load/<16 hex digits>".
[[nodiscard]] std::string to_string(const Dot& dot);

/// One link in one pair of lives (D28); numbers on it count from 1.
struct LinkLife {
  Actor child;
  Actor parent;
  auto operator<=>(const LinkLife&) const = default;
};

}  // namespace omrsync
