#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "node/apply/planner.h"
#include "node/decide/view.h"
#include "node/world.h"

namespace omrsync::node {

/// Decides while a root is planned, under its locks: by the policy where this node is the lowest common parent of what
/// met just now (6.4), else as somebody asked for. Only reads.
class Decider final : public Chooser {
 public:
  Decider(const World& world, const std::vector<DecisionRequest>& requests) : world_(world), requests_(requests) {}

  Result<std::optional<Choice>> choose(const Joined& joined) override;

 private:
  [[nodiscard]] const DecisionRequest* request_for(const Joined& joined) const;
  Result<std::optional<Choice>> by_policy(const Joined& joined);
  Result<std::optional<Choice>> as_asked(const Joined& joined, const DecisionRequest& request);
  Result<ports::StoreTransaction*> store();

  const World& world_;
  const std::vector<DecisionRequest>& requests_;
  std::unique_ptr<ports::StoreTransaction> tx_;  ///< opened when the first group is in dispute
};

/// The value that a request asks for, none when it is a deletion. Fails with decision_dropped when a side is gone or a
/// field does not exist.
Result<std::optional<GroupValue>> value_asked(const DecisionRequest& request, const Group& group,
                                              const GroupName& name);

}  // namespace omrsync::node
