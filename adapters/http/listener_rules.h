#pragma once
// Which request heads the listener takes. Beast's parser lets pass some that other HTTP programs read differently.

#include <optional>
#include <string_view>

#include "adapters/http/beast.h"
#include "adapters/http/listener.h"
#include "adapters/http/openssl.h"

namespace omrsync::http {

using RequestHead = beast::http::request_header<>;

struct Refusal {
  int status;
  const char* reason;  ///< constant text, without anything the caller sent
};

inline std::string_view text(beast::string_view view) { return {view.data(), view.size()}; }

/// The length of the body as far as the head tells it, and how it comes.
inline std::optional<Refusal> refuse_framing(const RequestHead& head) {
  const auto codings = head.count(beast::http::field::transfer_encoding);
  const auto lengths = head.count(beast::http::field::content_length);
  if (codings > 0 && lengths > 0) return Refusal{400, "Transfer-Encoding beside Content-Length."};
  if (codings > 1 || lengths > 1) return Refusal{400, "The length of the body is told twice."};
  const std::string_view length = lengths > 0 ? text(head[beast::http::field::content_length]) : "0";
  if (length.find_first_not_of("0123456789") != std::string_view::npos)
    return Refusal{400, "Content-Length must be one number."};
  if (codings == 0) return std::nullopt;
  if (head.version() != 11 || !beast::iequals(head[beast::http::field::transfer_encoding], "chunked"))
    return Refusal{400, "Transfer-Encoding must be exactly 'chunked'."};
  return std::nullopt;
}

inline std::optional<Refusal> refuse_head(const RequestHead& head) {
  if (head.version() != 11 && head.version() != 10) return Refusal{505, "HTTP/1.1 is spoken here."};
  if (const auto refusal = refuse_framing(head)) return refusal;
  const auto hosts = head.count(beast::http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() == 11)) return Refusal{400, "There must be one Host."};
  if (hosts == 1 && head[beast::http::field::host].empty()) return Refusal{400, "There must be one Host."};
  const auto method = head.method();
  if (method != beast::http::verb::get && method != beast::http::verb::post)
    return Refusal{405, "GET and POST are served."};
  if (!head.target().starts_with('/')) return Refusal{400, "The target must be a path."};
  if (head.count(beast::http::field::expect) > 0 &&
      (head.count(beast::http::field::expect) > 1 || !beast::iequals(head[beast::http::field::expect], "100-continue")))
    return Refusal{417, "Only 100-continue can be expected."};
  return std::nullopt;
}

/// Refusals of the parser itself; nothing where the connection broke and nobody listens.
inline std::optional<Refusal> refuse_parse(const ErrorCode& error) {
  using Parse = beast::http::error;
  if (error == Parse::body_limit) return Refusal{413, "The body is too large."};
  if (error == Parse::header_limit) return Refusal{431, "The headers are too large."};
  if (error == Parse::end_of_stream || error == Parse::partial_message) return std::nullopt;
  if (error.category() == beast::http::make_error_code(Parse::bad_method).category())
    return Refusal{400, "This is not an HTTP/1.1 request."};
  return std::nullopt;
}

/// The last word on a certificate while a handshake goes on: its chain is sound, does it name a node?
inline std::optional<TurnedAway> refuse_certificate(bool sound, X509_STORE_CTX* store) {
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);
  const bool own = X509_STORE_CTX_get_error_depth(store) == 0 && certificate != nullptr;
  const auto node = own ? node_of(*certificate) : std::nullopt;
  if (sound && (!own || node)) return std::nullopt;
  if (sound) X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  const bool expired = !sound && X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_HAS_EXPIRED;
  if (expired) return TurnedAway{Code::certificate_expired, node.value_or(""), {}};
  return TurnedAway{Code::tls_refused, {}, {}};
}

}  // namespace omrsync::http
