#pragma once

#include <string>

struct ssl_ctx_st;

namespace omrsync::http {

/// Connections made from `context` trust one authority only: the one among the certificates that the other side shows
/// whose SHA-256 begins with `pin`, which must outlive it. None of them: the handshake fails with `authority_mismatch`.
void trust_pinned(ssl_ctx_st* context, const std::string& pin);

}  // namespace omrsync::http
