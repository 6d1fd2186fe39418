#include "adapters/memory/store.h"

#include <algorithm>
#include <utility>

namespace omrsync::memory {
namespace {

Error defect(std::string message) { return {Remedy::stop_node, Code::defect, std::move(message)}; }

}  // namespace

class MemoryStore::Reading : public ports::StoreTransaction {
 public:
  Reading(std::shared_ptr<const Names> names, Trees trees) : names_(std::move(names)), trees_(std::move(trees)) {}

  Result<std::optional<std::string>> get(ports::TableName table, std::string_view key) override {
    OMRSYNC_TRY(tree, find(table));
    const StoreTree::Item* item = tree->find(key);
    if (item == nullptr) return std::optional<std::string>();
    return std::optional(item->value);
  }

  Status scan(ports::TableName table, std::string_view from, std::string_view to, std::size_t limit,
              const ports::Visit& visit) override {
    OMRSYNC_TRY(tree, find(table));
    if (limit == 0) return Done{};
    std::size_t left = limit;
    tree->scan(from, to, [&](const StoreTree::Item& item) {
      return visit(ports::Entry{item.key, item.value}) && --left > 0;
    });
    return Done{};
  }

  Result<std::optional<std::pair<std::string, std::string>>> last(ports::TableName table, std::string_view from,
                                                                  std::string_view to) override {
    using Pair = std::pair<std::string, std::string>;
    OMRSYNC_TRY(tree, find(table));
    const StoreTree::Item* item = tree->last(from, to);
    if (item == nullptr) return std::optional<Pair>();
    return std::optional(Pair(item->key, item->value));
  }

  Status put(ports::TableName, std::string_view, std::string_view) override { return read_only(); }
  Status erase(ports::TableName, std::string_view, std::string_view) override { return read_only(); }
  Status commit() override { return read_only(); }

 protected:
  Result<StoreTree*> find(ports::TableName table) {
    if (over_) return defect("a store transaction was used after its end");
    const auto found = std::lower_bound(names_->begin(), names_->end(), table.name);
    if (found == names_->end() || *found != table.name)
      return defect("the store has no table " + std::string(table.name));
    return &trees_[static_cast<std::size_t>(found - names_->begin())];
  }

  std::shared_ptr<const Names> names_;
  Trees trees_;
  bool over_ = false;

 private:
  static Status read_only() { return defect("a reading store transaction was asked to write"); }
};

class MemoryStore::Writing final : public MemoryStore::Reading {
 public:
  Writing(MemoryStore& store, std::unique_lock<std::mutex> turn, const State& state)
      : Reading(state.names, *state.trees), store_(store), turn_(std::move(turn)), number_(state.writers) {
    store_.writing_thread_ = std::this_thread::get_id();
  }

  ~Writing() override { finish(); }

  Status put(ports::TableName table, std::string_view key, std::string_view value) override {
    OMRSYNC_TRY(tree, find(table));
    tree->put(number_, key, value);
    return Done{};
  }

  Status erase(ports::TableName table, std::string_view from, std::string_view to) override {
    OMRSYNC_TRY(tree, find(table));
    tree->erase(number_, from, to);
    return Done{};
  }

  Status commit() override {
    if (over_) return defect("a store transaction was used after its end");
    {
      const std::scoped_lock lock(store_.mutex_);
      store_.state_.trees = std::make_shared<const Trees>(std::move(trees_));
    }
    finish();
    return Done{};
  }

 private:
  void finish() {
    over_ = true;
    if (!turn_.owns_lock()) return;
    store_.writing_thread_ = std::thread::id();
    turn_.unlock();
  }

  MemoryStore& store_;
  std::unique_lock<std::mutex> turn_;
  std::uint64_t number_;
};

MemoryStore::MemoryStore(std::span<const std::string_view> tables) {
  Names names(tables.begin(), tables.end());
  std::sort(names.begin(), names.end());
  state_.trees = std::make_shared<const Trees>(names.size());
  state_.names = std::make_shared<const Names>(std::move(names));
}

MemoryStore::State MemoryStore::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

std::unique_ptr<MemoryStore> MemoryStore::clone() const {
  return std::unique_ptr<MemoryStore>(new MemoryStore(state()));
}

Result<std::unique_ptr<ports::StoreTransaction>> MemoryStore::write() {
  if (writing_thread_ == std::this_thread::get_id())
    return defect("a thread that writes to the store began to write again");
  std::unique_lock turn(writer_);
  State now;
  {
    const std::scoped_lock lock(mutex_);
    ++state_.writers;
    now = state_;
  }
  return std::unique_ptr<ports::StoreTransaction>(new Writing(*this, std::move(turn), now));
}

Result<std::unique_ptr<ports::StoreTransaction>> MemoryStore::read() {
  const State now = state();
  return std::unique_ptr<ports::StoreTransaction>(new Reading(now.names, *now.trees));
}

}  // namespace omrsync::memory
