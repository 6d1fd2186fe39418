#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>

#include "protocol/result.h"

struct ssl_ctx_st;

namespace omrsync::http {

/// What a client's TLS handshakes came to, seen from OpenSSL's own callbacks; neither client library tells. With TLS
/// 1.3 a parent's refusal arrives only after the client has finished its handshake, as an alert. Any thread may read.
class TlsWatch {
 public:
  /// Forgets what was seen; to be called before each question.
  void reset() noexcept;

  /// Makes OpenSSL tell `watch` about every connection made from `context`, which keeps it alive.
  static void attach(ssl_ctx_st* context, std::shared_ptr<TlsWatch> watch);

  /// A handshake was completed since `reset`.
  [[nodiscard]] bool established() const noexcept { return established_; }

  /// The failure, if TLS is what failed: who refused whom, and whether a certificate's dates or a clock are the cause.
  /// `certificate_file` is this node's own; `now` is this machine's time.
  [[nodiscard]] std::optional<Error> failure(const std::filesystem::path& certificate_file,
                                             std::chrono::sys_seconds now) const;

 private:
  friend struct TlsCallbacks;

  std::atomic<int> alert_received_{0};
  std::atomic<int> alert_sent_{0};
  std::atomic<long> verify_result_{0};
  std::atomic<bool> established_{false};
};

}  // namespace omrsync::http
