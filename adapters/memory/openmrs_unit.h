#pragma once

#include "adapters/memory/openmrs_transaction.h"

namespace omrsync::memory {

class TwinUnit final : public ports::UnitOfWork {
 public:
  explicit TwinUnit(OpenmrsTwin& twin) : twin_(twin), transaction_(std::make_unique<TwinTransaction>(twin)) {}
  ~TwinUnit() override;

  Result<bool> mark(const std::string& key) override;
  Result<std::vector<std::optional<ports::RootContent>>> lock_read(std::span<const RootKey> roots) override;
  Result<ports::PutOutcome> put(std::span<const ports::RootWrite> writes) override;
  Status commit(const std::string& payload) override;

 private:
  Status enter(TwinCall call);
  Error fail(Error error);
  void end();
  Status write(const ports::RootWrite& write);
  Status purge(std::vector<const ports::RootWrite*> waiting, std::vector<ports::PutNotice>& notices);
  Status run_trigger(const RootKey& root);
  Status find_problems(std::span<const ports::RootWrite> writes, std::vector<ports::PutProblem>& problems);
  std::vector<RootKey> in_cycle(std::span<const ports::RootWrite> writes, const std::set<RootKey>& created) const;

  OpenmrsTwin& twin_;
  std::unique_ptr<TwinTransaction> transaction_;  ///< null: rolled back or committed
  std::string marker_;
  bool refused_ = false;  ///< put met problems
};

}  // namespace omrsync::memory
