#pragma once

#include <memory>

#include "adapters/ports/exchange.h"
#include "node/ship/batch_builder.h"
#include "node/worker.h"
#include "node/world.h"
#include "protocol/messages.h"

namespace omrsync::node {

/// What a node says of itself and of the link when it greets its parent. Whoever greets, says all of it: a parent that
/// is told of less than it sent takes that for a store that was put back (D28).
[[nodiscard]] Hello greeting(const Identity& identity, const LinkRecord& link, std::int64_t now_ms);

/// What the push and the pull worker of a child share about its parent.
struct ParentContact {
  bool introduced = false;        ///< hello was answered in this process
  std::uint64_t down_end = 0;     ///< the parent's log when it was answered
  std::uint64_t pulls_empty = 0;  ///< pulls answered with "nothing new" since
  std::uint64_t failures = 0;     ///< tries in a row that failed
  std::optional<Error> failure;   ///< of the last try in this process; none: it went well, or none was made yet
  unsigned hurried = 0;           ///< somebody waits for a round to end: do not wait at the parent for news
};

/// One conversation with the parent: a question, then its answer, then the next; back-off with full jitter after a
/// failure.
class ParentWorker : public Worker {
 public:
  ParentWorker(const World& world, std::unique_ptr<ports::ParentLink> link, Guarded<ParentContact>& contact)
      : world_(world), link_(std::move(link)), contact_(contact) {}

  Pace step(std::stop_token stop) override;
  [[nodiscard]] bool wants_now() override;

 protected:
  /// The next question, if there is one; else when to look again.
  virtual Result<std::optional<ports::Request>> question() = 0;
  virtual Status take(const std::string& body) = 0;
  [[nodiscard]] virtual std::chrono::milliseconds idle() const = 0;
  /// True when a question under way should be dropped and asked anew.
  [[nodiscard]] virtual bool impatient() { return false; }
  void adapt(std::size_t bytes);
  /// Since the question was asked.
  [[nodiscard]] std::chrono::milliseconds took() const { return world_.clock.steady() - asked_at_; }

  const World& world_;
  std::unique_ptr<ports::ParentLink> link_;
  Guarded<ParentContact>& contact_;
  std::size_t batch_bytes_;

 private:
  Pace failed(const Error& error);
  Status note_contact(const Error* error);

  bool asked_ = false;
  std::chrono::milliseconds asked_at_{0};
  std::chrono::milliseconds backoff_{0};
  std::chrono::milliseconds failed_at_{0};
  std::chrono::milliseconds not_before_{
      0};  ///< of the next try after a failure; somebody in a hurry does not wait for it
  std::uint32_t noted_code_ = UINT32_MAX;
};

/// Introduces the node, then sends what is offered.
class PushWorker final : public ParentWorker {
 public:
  PushWorker(const World& world, std::unique_ptr<ports::ParentLink> link, Guarded<ParentContact>& contact);
  [[nodiscard]] std::string_view name() const noexcept override { return "push"; }

 private:
  Result<std::optional<ports::Request>> question() override;
  Status take(const std::string& body) override;
  [[nodiscard]] std::chrono::milliseconds idle() const override;
  Status take_hello(const std::string& body);
  void note_clock(std::chrono::milliseconds offset);

  BatchBuilder builder_;
  bool hello_asked_ = false;
  bool clock_off_ = false;
  std::size_t sent_bytes_ = 0;
};

/// Fetches what the parent has, and what became of what was sent.
class PullWorker final : public ParentWorker {
 public:
  PullWorker(const World& world, std::unique_ptr<ports::ParentLink> link, Guarded<ParentContact>& contact);
  [[nodiscard]] std::string_view name() const noexcept override { return "pull"; }

 private:
  Result<std::optional<ports::Request>> question() override;
  Status take(const std::string& body) override;
  [[nodiscard]] std::chrono::milliseconds idle() const override;
  [[nodiscard]] bool impatient() override;

  bool waits_there_ = false;  ///< the question under way may wait at the parent for news
};

}  // namespace omrsync::node
