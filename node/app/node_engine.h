#pragma once

#include <atomic>
#include <memory>

#include "adapters/ports/log.h"
#include "node/admin/engine.h"
#include "node/app/config.h"
#include "node/engine.h"
#include "node/store/records.h"

namespace omrsync::http {
class Listener;
}

namespace omrsync::app {

/// The engine over the concrete adapters: waits for the database, then gives each worker a thread.
class NodeEngine final : public admin::Engine {
 public:
  NodeEngine(Config config, ports::Store& store, ports::Log& log, admin::LineRulesNow rules, bool listening,
             node::Identity identity);
  ~NodeEngine() override;

  Status run(std::stop_token stop) override;
  Result<admin::SyncAnswer> sync(const admin::SyncRequest& request, std::stop_token stop) override;
  std::optional<admin::LiveCapture> capture() override;

 private:
  struct Parts;

  Result<std::shared_ptr<Parts>> assemble();
  Result<std::unique_ptr<ports::ParentLink>> parent_link();
  Result<std::unique_ptr<http::Listener>> listen();
  ports::Response answer(const ports::IncomingRequest& request);
  std::shared_ptr<Parts> parts();

  const Config config_;
  ports::Store& store_;
  ports::Log& log_;
  const admin::LineRulesNow rules_;
  const bool listening_;
  const node::Identity identity_;
  node::Guarded<std::shared_ptr<Parts>> parts_;     ///< none while the database is away
  node::Guarded<std::optional<Error>> not_ready_;   ///< why there are none
  node::Doorbell ready_;
};

}  // namespace omrsync::app
