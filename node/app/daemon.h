#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "adapters/ports/log.h"
#include "adapters/ports/store.h"
#include "conflict/policy.h"
#include "node/admin/engine.h"
#include "node/admin/status.h"
#include "node/app/config.h"
#include "protocol/result.h"

namespace omrsync::app {

/// The configuration of a running node, and how the line may be used under it. Thread-safe.
class LiveConfig {
 public:
  /// Fails where the policy that `config` names has mistakes.
  static Result<std::unique_ptr<LiveConfig>> open(Config config);

  [[nodiscard]] std::shared_ptr<const Config> get() const {
    const std::lock_guard lock(mutex_);
    return config_;
  }

  /// The conflict policy that counts now.
  [[nodiscard]] std::shared_ptr<const conflict::Policy> policy() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }

  /// Takes up what a reload can, the conflict policy among it; a file with mistakes changes nothing. The keys that wait
  /// for a start.
  Result<std::vector<std::string>> reload();

  [[nodiscard]] admin::LineRules line_rules() const;

 private:
  LiveConfig(Config config, std::shared_ptr<const conflict::Policy> policy)
      : config_(std::make_shared<const Config>(std::move(config))), policy_(std::move(policy)) {}

  mutable std::mutex mutex_;
  std::shared_ptr<const Config> config_;
  std::shared_ptr<const conflict::Policy> policy_;
};

/// `omrsync serve`: holds the state folder's lock, runs the engine, answers on the control socket, and returns when
/// SIGTERM or SIGINT came. SIGHUP reloads. Call it with one thread alive: it blocks these signals for all threads made
/// later. `node_locked` when another process holds the folder.
[[nodiscard]] Status serve(const Config& config);

/// `omrsync sync`: asks the running daemon, or, where none runs, does the round in this process.
[[nodiscard]] Result<admin::SyncAnswer> sync_once(const Config& config, const admin::SyncRequest& request,
                                                  bool verbose);

/// How far the freezing has come, again and again.
using FreezeTold = std::function<void(const node::FreezeReport& report)>;

/// Freezes for a stick (node/carry/freeze.h): asks the running daemon, or, where none runs, does it in this process.
[[nodiscard]] Status freeze_all(const Config& config, const std::string& link, bool verbose, const FreezeTold& tell);

/// What `status` needs to know beside the store. Asks the daemon for at most 100 ms.
[[nodiscard]] admin::Surroundings look_around(const Config& config);

/// The pid of the process that holds the state folder.
[[nodiscard]] std::optional<int> daemon_pid(const Config& config);

/// Asks a running daemon to reload its configuration: the keys that need a start; nothing when no daemon runs.
[[nodiscard]] Result<std::optional<std::vector<std::string>>> ask_to_reload(const Config& config);

}  // namespace omrsync::app
