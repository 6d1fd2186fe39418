#include "tests/sim/power.h"

namespace omrsync::sim {
namespace {

Error dead() { return {Remedy::stop_node, Code::defect, "the power is off"}; }

class PoweredTransaction final : public ports::StoreTransaction {
 public:
  PoweredTransaction(std::unique_ptr<ports::StoreTransaction> inner, Power& power)
      : inner_(std::move(inner)), power_(power) {}

  Result<std::optional<std::string>> get(ports::TableName table, std::string_view key) override {
    return inner_->get(table, key);
  }
  Status scan(ports::TableName table, std::string_view from, std::string_view to, std::size_t limit,
              const ports::Visit& visit) override {
    return inner_->scan(table, from, to, limit, visit);
  }
  Result<std::optional<std::pair<std::string, std::string>>> last(ports::TableName table, std::string_view from,
                                                                  std::string_view to) override {
    return inner_->last(table, from, to);
  }
  Status put(ports::TableName table, std::string_view key, std::string_view value) override {
    return inner_->put(table, key, value);
  }
  Status erase(ports::TableName table, std::string_view from, std::string_view to) override {
    return inner_->erase(table, from, to);
  }
  Status commit() override {
    const Power::Effect effect = power_.spend();
    if (effect == Power::Effect::lost) return dead();
    OMRSYNC_CHECK(inner_->commit());
    return effect == Power::Effect::happens ? Status{Done{}} : Status{dead()};
  }

 private:
  std::unique_ptr<ports::StoreTransaction> inner_;
  Power& power_;
};

}  // namespace

Result<std::unique_ptr<ports::StoreTransaction>> PoweredStore::write() {
  if (!power_.on()) return dead();
  OMRSYNC_TRY(inner, inner_.write());
  return std::unique_ptr<ports::StoreTransaction>(std::make_unique<PoweredTransaction>(std::move(inner), power_));
}

Result<std::unique_ptr<ports::StoreTransaction>> PoweredStore::read() {
  if (!power_.on()) return dead();
  OMRSYNC_TRY(inner, inner_.read());
  return std::unique_ptr<ports::StoreTransaction>(std::make_unique<PoweredTransaction>(std::move(inner), power_));
}

void connect_power(memory::OpenmrsTwin& twin, Power& power) {
  twin.fault = [&power](memory::TwinCall) -> std::optional<Error> {
    if (power.on()) return std::nullopt;
    return dead();
  };
  twin.commit_fault = [&power] {
    switch (power.spend()) {
      case Power::Effect::happens:
        return memory::CommitFault::none;
      case Power::Effect::happens_unheard:
        return memory::CommitFault::done_but_unknown;
      case Power::Effect::lost:
        break;
    }
    return memory::CommitFault::refused;
  };
}

}  // namespace omrsync::sim
