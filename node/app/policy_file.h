#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "conflict/policy.h"
#include "node/app/config.h"
#include "protocol/result.h"

namespace omrsync::app {

/// A policy, or everything that is wrong with its file.
struct CheckedPolicy {
  std::shared_ptr<const conflict::Policy> policy;  ///< there exactly when `mistakes` is empty
  std::vector<Mistake> mistakes;
};

/// Reads the text of a policy file. `folder`: programs are named relative to it, and must be there.
[[nodiscard]] CheckedPolicy policy_from_toml(std::string_view text, const std::filesystem::path& folder);

/// The policy in `file`. `config_missing` when there is no such file.
[[nodiscard]] Result<CheckedPolicy> load_policy(const std::filesystem::path& file);

/// The policy that a configuration names, the built-in one where it names none; mistakes as one `config_invalid`
/// failure, one mistake a line.
[[nodiscard]] Result<std::shared_ptr<const conflict::Policy>> load_valid_policy(const Config& config);

}  // namespace omrsync::app
