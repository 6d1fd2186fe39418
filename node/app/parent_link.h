#pragma once

#include <memory>

#include "adapters/ports/exchange.h"
#include "node/admin/engine.h"
#include "node/app/config.h"
#include "protocol/result.h"

namespace omrsync::app {

/// The configured client towards the parent, with the card's certificate, held to the line's rules: outside the window
/// a question fails with `line_resting` before a byte is sent. A certificate that is replaced is used from the next
/// question on. `config` outlives the link.
[[nodiscard]] Result<std::unique_ptr<ports::ParentLink>> open_parent_link(const Config& config,
                                                                          admin::LineRulesNow rules);

}  // namespace omrsync::app
