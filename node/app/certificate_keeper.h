#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "adapters/http/listener.h"
#include "adapters/ports/log.h"
#include "node/app/config.h"
#include "protocol/result.h"

namespace omrsync::app {

/// The listener's key and certificate and the authority's certificate, from the state folder.
[[nodiscard]] Result<http::ListenerIdentity> listener_identity(const Config& config);

/// Renews this node's certificates for as long as it lives, in a thread of its own: its own from the parent, and that
/// of its listener, each in the last third of its life. What fails is logged and tried again.
class CertificateKeeper {
 public:
  /// `listener` may be null. Everything outlives the keeper.
  CertificateKeeper(const Config& config, ports::Log& log, http::Listener* listener);

 private:
  void keep(std::stop_token stop);
  void keep_own(std::stop_token stop);
  void keep_listener();

  const Config& config_;
  ports::Log& log_;
  http::Listener* listener_;
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::jthread thread_;
};

}  // namespace omrsync::app
