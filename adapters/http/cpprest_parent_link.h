#pragma once

#include <memory>

#include "adapters/http/link_options.h"
#include "adapters/ports/exchange.h"

namespace omrsync::http {

/// The way to the parent over cpprestsdk's client, chosen by [link] client = "cpprest". Same promises as
/// CurlParentLink, but for what the library does not give: no rate caps (`config_invalid`); the size of an answer
/// without Content-Length is checked only as it is collected; a dropped question goes on unseen until it ends or times
/// out; and a parent that sends a negative chunk size ends the process. Its I/O runs on the library's own threads.
class CpprestParentLink {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ports::ParentLink>> open(LinkOptions options);
};

}  // namespace omrsync::http
