#include "adapters/system/clock.h"
#include "adapters/system/local_time.h"
#include "node/app/daemon.h"
#include "node/app/policy_file.h"

namespace omrsync::app {

Result<std::unique_ptr<LiveConfig>> LiveConfig::open(Config config) {
  OMRSYNC_TRY(policy, load_valid_policy(config));
  return std::unique_ptr<LiveConfig>(new LiveConfig(std::move(config), std::move(policy)));
}

Result<std::vector<std::string>> LiveConfig::reload() {
  const auto now = get();
  OMRSYNC_TRY(fresh, load_valid_config(now->file));
  OMRSYNC_TRY(policy, load_valid_policy(fresh));
  auto waiting = keys_that_need_a_start(*now, fresh);
  const std::lock_guard lock(mutex_);
  config_ = std::make_shared<const Config>(std::move(fresh));
  policy_ = std::move(policy);
  return waiting;
}

admin::LineRules LiveConfig::line_rules() const {
  const auto config = get();
  admin::LineRules rules;
  if (!config->parent) return rules;
  rules.push = config->parent->push;
  rules.pull = config->parent->pull;
  const auto minute = system::minute_of_week(config->node.timezone, system::Clock().utc());
  if (!minute) return rules;
  rules.open = config->parent->window.open_at(*minute);
  rules.bytes_per_second = config->parent->max_rate.bytes_per_second_at(*minute);
  return rules;
}

}  // namespace omrsync::app
