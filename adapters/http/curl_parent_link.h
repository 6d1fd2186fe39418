#pragma once

#include <memory>

#include "adapters/http/link_options.h"
#include "adapters/ports/exchange.h"

namespace omrsync::http {

/// The way to the parent over libcurl: the default client. Each question is a POST; connections are kept and used
/// again. TLS 1.2 or better, the parent proven by its own authority and by the host name of the URL, redirects given up
/// as they came, no compression, no proxy but the configured one. Bytes move only inside `collect`: call it often while
/// a question is under way. A status other than 200 is an answer, not a failure.
class CurlParentLink : public ports::ParentLink {
 public:
  /// Nothing is sent yet; a file or a URL that cannot do is told here.
  [[nodiscard]] static Result<std::unique_ptr<CurlParentLink>> open(LinkOptions options);

  /// Holds from the next question on.
  virtual void set_rates(Rates rates) = 0;
};

}  // namespace omrsync::http
