#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "adapters/ports/exchange.h"
#include "protocol/result.h"

namespace omrsync::http {

/// What one caller, or all of them together, may take. Each is tested at, below and above.
struct ListenerLimits {
  std::size_t header_bytes = 16 * 1024;          ///< 431
  std::size_t body_bytes = 16 * 1024 * 1024;     ///< 413, said before the body is read
  std::size_t memory_bytes = 256 * 1024 * 1024;  ///< bodies being read or handled, all callers together; 503
  std::size_t connections_per_node = 4;          ///< 503
  std::size_t unauthenticated = 64;              ///< connections without a finished handshake; more are closed at once
  std::size_t handlers = 16;                     ///< requests handled at a time; a held request (long poll) takes one
  std::size_t waiting = 256;                     ///< requests that wait for a handler; 503
  std::size_t io_threads = 2;

  std::chrono::milliseconds handshake{10'000};  ///< close
  std::chrono::milliseconds headers{10'000};    ///< from the first byte, or the handshake, to the blank line; close
  std::chrono::milliseconds idle{120'000};      ///< between two requests of a connection; close
  std::chrono::milliseconds stall{60'000};      ///< a body brings `stall_bytes` in this time, else 408; so do answers
  std::size_t stall_bytes = 1024;
  std::size_t enrol_bytes = 16 * 1024;      ///< of the one question that takes no certificate; 413
  std::chrono::milliseconds linger{2'000};  ///< after a refusal: time for the caller to read it
  std::chrono::milliseconds stop{4'000};    ///< `stop` cuts what is not done by then
  std::chrono::seconds retry_after{15};     ///< what a 503 asks for
};

/// Who the listener is and whom it believes, in PEM. One authority only; never the system's.
struct ListenerIdentity {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
};

/// A caller whose certificate did not do. Called from a handler's thread.
struct TurnedAway {
  Code code;            ///< certificate_expired, or tls_refused
  std::string node;     ///< of an expired certificate: whose it is; else empty
  std::string address;  ///< where it called from
};

struct ListenerOptions {
  std::string address;  ///< "0.0.0.0:8443", "[::]:8443"; port 0 takes a free one
  ListenerIdentity identity;
  ListenerLimits limits;
  std::string enrol_path{};  ///< what may be asked (POST) without a certificate, once a connection; empty: nothing
  std::function<void(const TurnedAway&)> turned_away{};
};

/// Counted since the start; for status, metrics and tests. No names, no addresses.
struct ListenerCounts {
  std::uint64_t accepted = 0;  ///< TCP connections
  std::uint64_t open = 0;      ///< of them still there
  std::uint64_t handshakes_failed = 0;
  std::uint64_t handled = 0;      ///< requests that reached the handler
  std::uint64_t refused = 0;      ///< requests answered 4xx or 503 by the listener itself
  std::uint64_t turned_away = 0;  ///< connections closed because too many were there
};

/// Answers one question. Called from several threads at once, never from one that serves the network; may take its
/// time (a long poll). Must not throw.
using Handler = std::function<ports::Response(const ports::IncomingRequest&)>;

/// The parent's door: HTTPS with mutual TLS (1.2 or better) for GET and POST. Who asks is taken from the certificate:
/// one without a SAN `URI:urn:uuid:<node>`, or of another authority, gets no further than the handshake. A caller
/// without any certificate gets no further either, or (`enrol_path`) may ask that one thing, else 401. Requests that
/// two HTTP programs could read in two ways are refused (400) and their connection closed. Path and body go through
/// untouched. All methods may be called from any thread.
class Listener {
 public:
  /// Listens when it returns. `config_invalid`: the address cannot be used, or the identity does not fit together.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> start(ListenerOptions options, Handler handler);

  /// Stops if it still runs.
  virtual ~Listener() = default;

  [[nodiscard]] virtual std::uint16_t port() const = 0;

  /// For connections made from now on; those that are open go on. On failure the old identity stays.
  [[nodiscard]] virtual Status set_certificates(const ListenerIdentity& identity) = 0;

  [[nodiscard]] virtual ListenerCounts counts() const = 0;

  /// Takes no more connections and requests, lets requests under way be answered, cuts what is not done within
  /// `ListenerLimits::stop`, and joins every thread. It waits for handlers that run: whoever holds requests lets them
  /// go first. Repeating it changes nothing.
  virtual void stop() = 0;
};

}  // namespace omrsync::http
