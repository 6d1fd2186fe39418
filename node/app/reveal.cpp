#include "node/app/reveal.h"

namespace omrsync::app {

Status reveal(const Config&, admin::Conflict&) { return Done{}; }

}  // namespace omrsync::app
