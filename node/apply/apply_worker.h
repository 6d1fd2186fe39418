#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/apply/planner.h"
#include "node/receive/grants.h"
#include "node/worker.h"
#include "node/world.h"

namespace omrsync::node {

/// Applies what came in to the OpenMRS database: one transaction at a time, never waiting for a lock (D7, D7a). A set
/// that misses a target is held, one that can never succeed is quarantined; neither delays anything unrelated (D8).
class ApplyWorker final : public Worker {
 public:
  explicit ApplyWorker(const World& world) : world_(world), classes_(world.openmrs) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "apply"; }
  Pace step(std::stop_token stop) override;

 private:
  /// One inbox item with its entries as states.
  struct Work {
    std::string key;
    InboxItem item;
    RootStates states;
  };
  enum class Did { nothing, applied, waits };
  /// A root under our lock that was not as the ledger has it.
  struct Looked {
    ports::LogPosition position;  ///< whatever made it so lies before this
    std::string row;              ///< the ledger's, encoded
    std::map<GroupName, std::uint64_t> held;
  };

  /// What a unit is to write, and what becomes of each root.
  struct Writes {
    std::vector<ports::RootWrite> rows;
    std::vector<std::size_t> places;  ///< of each in the plan
    std::map<RootKey, Outcome::State> outcomes;
  };

  Status ready();
  Result<std::vector<ports::PutProblem>> not_granted(const std::vector<Work>& works);
  bool somebody_writes();
  Result<std::vector<Work>> choose();
  Result<std::optional<Work>> load_work(ports::StoreTransaction& tx, const std::string& key);
  Result<std::vector<RootKey>> repairs();
  Result<Did> apply(std::vector<Work>& works, bool alone);
  /// One transaction for all of `works`, or (no works) one that shows what is to be shown of `repaired`.
  Result<Did> in_unit(std::vector<Work>& works, const std::vector<RootKey>& repaired, ApplyPlan& plan,
                      std::vector<ports::PutProblem>& problems);
  Result<std::optional<std::vector<RootBefore>>> lock(ports::UnitOfWork& unit, const std::vector<Work>& works,
                                                      const std::vector<RootKey>& roots);
  Result<Writes> plan_all(const std::vector<RootBefore>& befores, ApplyPlan& plan);
  Result<bool> mark_again(ports::UnitOfWork& unit, const std::string& marker);
  Result<std::string> marker_of(const std::vector<Work>& works);
  Result<std::optional<DecisionRequest>> next_request();
  Status forget_request(const DecisionRequest& request, std::string_view why);
  Result<bool> carry_out();
  Result<Did> commit(ports::UnitOfWork& unit, ApplyPlan& plan);
  void hand_over(std::vector<Work>& works);
  void take_back(std::vector<Work>& works);
  void tell_taken(const std::vector<ports::PutNotice>& notices);
  Result<std::vector<RootBefore>> roots_before(ports::StoreTransaction& tx, const std::vector<Work>& works,
                                               const std::vector<RootKey>& roots,
                                               std::vector<std::optional<ports::RootContent>> contents);
  Result<bool> agrees(const std::vector<RootBefore>& befores);
  Result<bool> take_deviations(std::vector<ports::RootChange> deviations, const std::vector<RootBefore>& befores);
  [[nodiscard]] bool has_passed(const ports::LogPosition& position);
  Result<Did> land_now(const ApplyPlan& plan, const std::vector<RootBefore>& befores);
  Result<Did> refused(std::vector<Work>& works, const std::vector<ports::PutProblem>& problems, bool alone);
  Result<bool> hold_or_quarantine(Work& work, const ports::PutProblem& problem);
  Result<bool> came_meanwhile(ports::StoreTransaction& tx, const std::string& key, const std::vector<RootKey>& missing);
  Status split_container(Work& work, const std::vector<ports::PutProblem>& problems);
  Result<bool> close_cycle(Work& work);
  Status set_aside(Work& work, const Error& error);
  Status ask_for_purged(ports::StoreTransaction& tx, InboxItem& item, const std::string& link);
  Status hold_apart(ports::StoreTransaction& tx, InboxItem& item, const std::string& key,
                    const ports::PutProblem& problem);
  Pace purge_anew(std::uint64_t arrived);
  Status look_at_kept(const ConflictRecord& record);
  void busy(const std::vector<Work>& works);
  void wait_for_capture();

  const World& world_;
  TableClasses classes_;
  std::optional<ports::LogPosition> barrier_;              ///< apply goes on when capture has passed it
  std::map<RootKey, Looked> looked_;                       ///< rows that differed from the ledger when last seen
  std::map<std::string, ports::LogPosition> met_markers_;  ///< found already there, and where the log ended then
  ApplyPlan in_doubt_;  ///< of a commit whose answer was lost; the log tells before the barrier
  bool started_ = false;
#ifdef OMRSYNC_PLANT
  std::uint64_t early_sequence_ = 0;
#endif
  std::map<std::string, std::chrono::milliseconds> not_before_;  ///< items that met a lock
  std::chrono::milliseconds next_purges_{0};                     ///< kept roots are looked at again then
  std::string purges_after_;                                     ///< and from there on
  std::set<std::pair<std::string, RootKey>> come_;  ///< targets that came while a set was about to be held for them
  std::chrono::milliseconds backoff_{0};
  std::vector<DecisionRequest> requests_;  ///< that the present transaction carries out
  unsigned turns_ = 0;
  std::optional<Code> told_;  ///< of the failure that was logged, until something succeeds
};

}  // namespace omrsync::node
