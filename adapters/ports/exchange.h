#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "protocol/result.h"

namespace omrsync::ports {

/// One question to another node: a path such as "/sync/v1/batches" and a body of bytes.
struct Request {
  std::string path;
  std::string body;
};

/// The other node's answer, complete and from a holder of the expected identity.
struct Response {
  int status = 0;  ///< HTTP status; 200 is the only success
  std::string content_type;
  std::string body;
  std::chrono::seconds retry_after{0};  ///< 0: not said
};

/// The way to the parent: send, then collect until something comes. One question at a time; used by one thread.
class ParentLink {
 public:
  virtual ~ParentLink() = default;

  /// Starts a question. A question still under way is dropped (the parent may have taken it).
  virtual Status send(Request request) = 0;

  /// The answer; nothing while it is under way (waits for at most `patience`). Failures end the question: `retry_later`
  /// with a code 10xx or 11xx that tells name look-up, refusal, TLS, clock and a cut line apart in its message.
  virtual Result<std::optional<Response>> collect(std::chrono::milliseconds patience) = 0;
};

/// A question as it reaches the parent: who asks is proven by the certificate, never by the body.
struct IncomingRequest {
  std::string path;
  std::string body;
  std::string peer_node;  ///< uuid in the certificate's SAN "URI:urn:uuid:<node>", lower case
  std::string
      peer_fingerprint;  ///< SHA-256 of the certificate, hex; empty, as `peer_node`: it has none, and asks for one
  std::string peer_address{};  ///< where it calls from, without the port
};

}  // namespace omrsync::ports
