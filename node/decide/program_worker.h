#pragma once

#include "adapters/ports/program.h"
#include "conflict/policy.h"
#include "node/store/records.h"
#include "node/worker.h"
#include "node/world.h"

namespace omrsync::node {

/// Asks the programs that a policy names. What a program says becomes a decision that waits to be written; a program
/// that fails leaves the conflict to people, with the reason. One program at a time, never under a lock.
class ProgramWorker final : public Worker {
 public:
  /// `programs` null: none can be asked here.
  ProgramWorker(const World& world, ports::ProgramRunner* programs) : world_(world), programs_(programs) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "decide"; }
  Pace step(std::stop_token stop) override;

 private:
  Result<std::optional<DecisionRequest>> next();
  Result<std::optional<std::string>> question(const DecisionRequest& request, Group& group);
  Status answered(DecisionRequest request, const Result<DecisionRequest>& answer);

  const World& world_;
  ports::ProgramRunner* programs_;
};

/// What a program is asked, in JSON.
[[nodiscard]] std::string program_question(const std::string& conflict, const conflict::View& view);

/// What a program said, as a request that can be carried out: {"take": n} (place in the question's sides), {"value":
/// {...}} (laid over what is shown; null: removed), or {"manual": "why"}. program_failed with the reason else, and for
/// `manual`.
Result<DecisionRequest> request_from_answer(const DecisionRequest& request, const Group& group,
                                            std::string_view answer);

}  // namespace omrsync::node
