#include "node/app/certificate_keeper.h"

#include <algorithm>

#include "adapters/system/files.h"
#include "node/app/enrol.h"
#include "node/app/setup.h"
#include "node/app/state_folder.h"

namespace omrsync::app {

using std::chrono::milliseconds;

Result<http::ListenerIdentity> listener_identity(const Config& config) {
  const StateFolder state(config);
  OMRSYNC_TRY(authority, system::read_file(state.authority() / "ca.crt"));
  OMRSYNC_TRY(certificate, system::read_file(state.server_certificate()));
  OMRSYNC_TRY(key, system::read_secret_file(state.server_key()));
  return http::ListenerIdentity{std::move(authority), std::move(certificate), std::move(key)};
}

CertificateKeeper::CertificateKeeper(const Config& config, ports::Log& log, http::Listener* listener)
    : config_(config), log_(log), listener_(listener), thread_([this](std::stop_token stop) { keep(stop); }) {}

void CertificateKeeper::keep(std::stop_token stop) {
  constexpr milliseconds kLook = std::chrono::hours(1);
  while (!stop.stop_requested()) {
    if (listener_ != nullptr) keep_listener();
    if (config_.parent) keep_own(stop);
    std::unique_lock lock(mutex_);
    never_.wait_for(lock, stop, config_.parent ? next_look(config_) : kLook, [] { return false; });
  }
}

void CertificateKeeper::keep_own(std::stop_token stop) {
  const auto renewed = renew_certificate(config_, [&] { return stop.stop_requested(); });
  if (!renewed)
    log_.failure(ports::Level::warning, "certificate.not_renewed", renewed.error());
  else if (*renewed)
    log_.info("certificate.renewed");
}

void CertificateKeeper::keep_listener() {
  const auto renewed = [&]() -> Status {
    OMRSYNC_CHECK(renew_server_certificate(config_));
    OMRSYNC_TRY(identity, listener_identity(config_));
    return listener_->set_certificates(identity);
  }();
  if (!renewed) log_.failure(ports::Level::warning, "certificate.not_renewed", renewed.error());
}

}  // namespace omrsync::app
