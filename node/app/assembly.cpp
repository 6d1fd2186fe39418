#include "node/app/assembly.h"

#include "node/app/node_engine.h"
#include "node/store/facts.h"

namespace omrsync::app {

Result<std::unique_ptr<admin::Engine>> make_engine(const Config& config, ports::Store& store, ports::Log& log,
                                                   admin::LineRulesNow rules, bool listening) {
  std::optional<node::Identity> who;
  {
    OMRSYNC_TRY(tx, store.read());
    OMRSYNC_TRY(read, node::identity(*tx));
    who = std::move(read);
  }
  if (!who) return Error{Remedy::stop_node, Code::config_missing, "the store holds no identity; run 'omrsync init'"};
  return std::unique_ptr<admin::Engine>(
      std::make_unique<NodeEngine>(config, store, log, std::move(rules), listening, std::move(*who)));
}

}  // namespace omrsync::app
