#include "node/app/assembly.h"

namespace omrsync::app {

Result<std::unique_ptr<admin::Engine>> make_engine(const Config&, ports::Store&, ports::Log&, admin::LineRulesNow, bool) {
  return Error{Remedy::stop_node, Code::defect, "This build has no engine yet."};
}

}  // namespace omrsync::app
