#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/ports/exchange.h"
#include "node/receive/refusals.h"
#include "node/ship/batch_builder.h"
#include "node/world.h"

namespace omrsync::node {

/// The parent's side of the node protocol: answers what children ask. Thread-safe; questions of one child are answered
/// one after the other. Who asks is what the certificate says, never what the body says (I-7).
class ParentService {
 public:
  explicit ParentService(const World& world) : world_(world), refusals_(world.store, world.clock) {}

  /// `patience`: how long a child's question for news may wait here (0: answer at once).
  ports::Response handle(const ports::IncomingRequest& request, std::chrono::milliseconds patience);

  /// Makes waiting questions return.
  void stop();

 private:
  /// Until when a direction rests, so that its rate is kept.
  struct Rest {
    std::chrono::milliseconds until{0};
    void take(std::size_t bytes, std::uint64_t bytes_per_second, std::chrono::milliseconds now);
  };

  struct Child {
    std::mutex asking;
    std::unique_ptr<BatchBuilder> builder;
    Rest up;  ///< guarded by `asking`
    Rest down;
  };

  Result<std::string> answer(const ports::IncomingRequest& request, std::chrono::milliseconds patience);
  Result<std::string> hello(const ChildRecord& child, const Hello& hello);
  Result<std::string> push(const ChildRecord& child, const Push& push);
  Result<std::string> pull(const ChildRecord& child, const Pull& pull, std::chrono::milliseconds patience);
  Status take_pull(const std::string& link, const Pull& pull);
  Status forget_told(ports::StoreTransaction& tx, const std::string& link, std::uint64_t outcomes_seen);
  Result<Receipt> receipt(ports::StoreTransaction& tx, const std::string& link, const LinkRecord& record,
                          std::uint64_t outcomes_seen);
  Status same_life(const LinkRecord& record);
  Status await_rate(Child& place, std::chrono::milliseconds patience);
  Error we_are_stale(std::unique_ptr<ports::StoreTransaction> tx);
  std::shared_ptr<Child> child(const std::string& link);

  const World& world_;
  Refusals refusals_;
  Guarded<std::map<std::string, std::shared_ptr<Child>>> children_;
  Guarded<bool> stopped_;
};

}  // namespace omrsync::node
