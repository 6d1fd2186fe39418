#include "adapters/http/certificates.h"
#include "adapters/system/files.h"
#include "node/app/control.h"
#include "node/app/daemon.h"
#include "node/app/open.h"
#include "node/app/state_folder.h"

namespace omrsync::app {
namespace {

constexpr std::chrono::milliseconds kDaemonPatience{100};

std::int64_t expiry_ms(const std::filesystem::path& certificate) {
  const auto pem = system::read_file(certificate);
  if (!pem) return 0;
  const auto expiry = http::certificate_expiry(*pem);
  return expiry ? std::chrono::milliseconds(expiry->time_since_epoch()).count() : 0;
}

/// The earlier end of the two certificates that a node may have.
std::int64_t earliest_expiry_ms(const Config& config) {
  const StateFolder state(config);
  const std::int64_t client = config.parent ? expiry_ms(state.client_certificate()) : 0;
  const std::int64_t server = config.listen ? expiry_ms(state.server_certificate()) : 0;
  if (client == 0 || server == 0) return std::max(client, server);
  return std::min(client, server);
}

std::optional<admin::LiveCapture> ask_capture(const Config& config) {
  const auto answer = ask_daemon(StateFolder(config).control_socket(), Json().set("ask", "status"), kDaemonPatience);
  if (!answer) return std::nullopt;
  const Json* json = answer->find("capture");
  if (json == nullptr) return std::nullopt;
  admin::LiveCapture capture;
  capture.state = json->text_of("state");
  capture.position = json->text_of("position");
  if (const Json* lag = json->find("lag_seconds")) {
    if (lag->real() != nullptr) capture.lag_seconds = *lag->real();
    if (lag->integer() != nullptr) capture.lag_seconds = static_cast<double>(*lag->integer());
  }
  if (const Json* fault = json->find("fault"); fault != nullptr && fault->find("code") != nullptr) {
    const auto* code = fault->find("code")->integer();
    capture.fault = {describe(static_cast<Code>(code == nullptr ? 0 : *code)).code,
                     std::string(fault->text_of("message"))};
  }
  return capture;
}

}  // namespace

admin::Surroundings look_around(const Config& config) {
  admin::Surroundings around;
  around.role = config.role();
  around.version = OMRSYNC_VERSION;
  if (config.parent) around.parent_url = config.parent->url;
  around.has_openmrs = config.openmrs.has_value();
  if (config.openmrs) around.capture_source = config.openmrs->capture;
  around.daemon_pid = daemon_pid(config);
  if (around.daemon_pid) around.capture = ask_capture(config);
  around.certificate_expires_ms = earliest_expiry_ms(config);
  around.free_bytes =
      system::free_bytes(config.node.state_dir).has_value() ? *system::free_bytes(config.node.state_dir) : 0;
  around.now_ms = now_ms();
  return around;
}

}  // namespace omrsync::app
