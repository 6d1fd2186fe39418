#include "adapters/memory/store_faulty.h"

#include <utility>

namespace omrsync::memory {

void FaultyStore::plan(StoreFault fault) {
  const std::scoped_lock lock(mutex_);
  planned_ = std::move(fault);
}

void FaultyStore::heal() {
  const std::scoped_lock lock(mutex_);
  planned_.reset();
}

std::uint64_t FaultyStore::operations() const {
  const std::scoped_lock lock(mutex_);
  return operations_;
}

std::uint64_t FaultyStore::commits() const {
  const std::scoped_lock lock(mutex_);
  return commits_;
}

std::optional<StoreFault> FaultyStore::meet(bool is_commit) {
  const std::scoped_lock lock(mutex_);
  ++operations_;
  if (is_commit) ++commits_;
  if (!planned_) return std::nullopt;
  const bool struck = planned_->in == 0;
  if (!struck) {
    if (planned_->counting == StoreFault::Counting::commits && !is_commit) return std::nullopt;
    if (--planned_->in > 0) return std::nullopt;
  }
  std::optional<StoreFault> due = planned_;
  if (struck) due->when = StoreFault::When::before_effect;
  if (!planned_->lasting) planned_.reset();
  return due;
}

template <typename Work>
auto FaultyStore::run(bool is_commit, Work work) -> decltype(work()) {
  const std::optional<StoreFault> due = meet(is_commit);
  if (!due) return work();
  if (due->when == StoreFault::When::after_effect) {
    if (auto done = work(); !done.has_value()) return done;
  }
  return due->error;
}

class FaultyStore::Transaction final : public ports::StoreTransaction {
 public:
  Transaction(FaultyStore& store, std::unique_ptr<ports::StoreTransaction> inner)
      : store_(store), inner_(std::move(inner)) {}

  Result<std::optional<std::string>> get(ports::TableName table, std::string_view key) override {
    return run(false, [&] { return inner_->get(table, key); });
  }

  Status scan(ports::TableName table, std::string_view from, std::string_view to, std::size_t limit,
              const ports::Visit& visit) override {
    return run(false, [&] { return inner_->scan(table, from, to, limit, visit); });
  }

  Result<std::optional<std::pair<std::string, std::string>>> last(ports::TableName table, std::string_view from,
                                                                  std::string_view to) override {
    return run(false, [&] { return inner_->last(table, from, to); });
  }

  Status put(ports::TableName table, std::string_view key, std::string_view value) override {
    return run(false, [&] { return inner_->put(table, key, value); });
  }

  Status erase(ports::TableName table, std::string_view from, std::string_view to) override {
    return run(false, [&] { return inner_->erase(table, from, to); });
  }

  Status commit() override {
    return run(true, [&] { return inner_->commit(); });
  }

 private:
  template <typename Work>
  auto run(bool is_commit, Work work) -> decltype(work()) {
    if (failed_) return Error{Remedy::stop_node, Code::defect, "a store transaction was used after a failure"};
    auto done = store_.run(is_commit, work);
    failed_ = !done.has_value();
    return done;
  }

  FaultyStore& store_;
  std::unique_ptr<ports::StoreTransaction> inner_;
  bool failed_ = false;
};

Result<std::unique_ptr<ports::StoreTransaction>> FaultyStore::write() {
  OMRSYNC_TRY(inner, run(false, [&] { return inner_.write(); }));
  return std::unique_ptr<ports::StoreTransaction>(new Transaction(*this, std::move(inner)));
}

Result<std::unique_ptr<ports::StoreTransaction>> FaultyStore::read() {
  OMRSYNC_TRY(inner, run(false, [&] { return inner_.read(); }));
  return std::unique_ptr<ports::StoreTransaction>(new Transaction(*this, std::move(inner)));
}

}  // namespace omrsync::memory
