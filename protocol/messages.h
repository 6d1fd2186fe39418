#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.h"
#include "protocol/result.h"

/// The questions and answers of the node protocol (WIRE.md). A child asks, its parent answers.
namespace omrsync {

inline constexpr std::uint32_t kWireVersion = 1;
inline constexpr const char* kWireContentType = "application/vnd.omrsync.v1";

inline constexpr const char* kHelloPath = "/sync/v1/hello";
inline constexpr const char* kPushPath = "/sync/v1/batches";
inline constexpr const char* kPullPath = "/sync/v1/changes";

struct Hello {
  std::uint32_t version = kWireVersion;
  LinkLife life;  ///< the parent's part is empty at first contact
  std::string name;
  std::uint64_t up_through = 0;
  std::string up_chain;
  std::uint64_t down_through = 0;
  std::int64_t time_ms = 0;
  std::uint64_t up_acknowledged = 0;  ///< the parent said that it has so much
  std::string down_chain;
  std::string recipient{};  ///< "age1...", for packages to this node; empty: it takes none
};

/// How far the other node's clock is ahead of ours. What it tells is taken to lie in the years 1970 to 9999.
[[nodiscard]] std::int64_t clock_offset(std::int64_t theirs_ms, std::int64_t ours_ms) noexcept;

struct HelloAnswer {
  std::uint32_t version = kWireVersion;
  LinkLife life;
  std::uint64_t up_stored = 0;
  std::string up_chain;
  std::int64_t time_ms = 0;
  std::uint64_t down_end = 0;
  std::string name;
  std::int64_t time_error_ms = 0;  ///< true time is within `time_ms` and this
  bool time_trusted = false;
  std::string recipient{};  ///< as in Hello
};

/// Contiguous link numbers of one life, frozen: a resend is byte-equal (D23).
struct Batch {
  LinkLife life;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::string previous_chain;
  std::string digest;
  std::string frame;
};

/// chain(n) = SHA-256(chain before || digest || last).
[[nodiscard]] std::string next_chain(std::string_view previous, std::string_view digest, std::uint64_t last);

struct Outcome {
  enum class State : std::uint8_t { applied, theirs, merged, conflict, held, quarantined, refused, duplicate };
  std::uint64_t sequence = 0;
  std::uint64_t number = 0;
  State state = State::applied;
  std::uint32_t code = 0;
  std::string reason;
  std::vector<std::string> conflicts;
  std::vector<std::string> waits_for;
};

[[nodiscard]] const char* to_string(Outcome::State state) noexcept;

struct Push {
  Batch batch;
  std::uint64_t outcomes_seen = 0;
};

struct Receipt {
  LinkLife life;
  std::uint64_t stored_through = 0;
  std::vector<Outcome> outcomes;
  bool more_outcomes = false;
};

struct Pull {
  LinkLife life;
  std::uint64_t stored_through = 0;
  std::uint64_t max_bytes = 0;
  std::uint32_t wait_ms = 0;
  std::uint64_t outcomes_seen = 0;
  std::string stored_chain;
};

struct PullAnswer {
  std::optional<Batch> batch;
  Receipt receipt;
  bool more = false;
};

struct Refusal {
  Code code = Code::defect;
  std::string message;
  std::uint32_t retry_after_s = 0;
};

[[nodiscard]] std::string encode(const Hello& message);
[[nodiscard]] std::string encode(const HelloAnswer& message);
[[nodiscard]] std::string encode(const Batch& message);
[[nodiscard]] std::string encode(const Push& message);
[[nodiscard]] std::string encode(const Receipt& message);
[[nodiscard]] std::string encode(const Pull& message);
[[nodiscard]] std::string encode(const PullAnswer& message);
[[nodiscard]] std::string encode(const Refusal& message);

/// `retry_later`, wire_malformed when the bytes are not that message.
template <typename Message>
[[nodiscard]] Result<Message> decode(std::string_view bytes);

template <>
Result<Hello> decode<Hello>(std::string_view bytes);
template <>
Result<HelloAnswer> decode<HelloAnswer>(std::string_view bytes);
template <>
Result<Batch> decode<Batch>(std::string_view bytes);
template <>
Result<Push> decode<Push>(std::string_view bytes);
template <>
Result<Receipt> decode<Receipt>(std::string_view bytes);
template <>
Result<Pull> decode<Pull>(std::string_view bytes);
template <>
Result<PullAnswer> decode<PullAnswer>(std::string_view bytes);
template <>
Result<Refusal> decode<Refusal>(std::string_view bytes);

}  // namespace omrsync
