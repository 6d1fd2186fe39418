#pragma once

#include <string>

#include "adapters/ports/store.h"
#include "adapters/stick/age.h"
#include "node/app/config.h"
#include "protocol/result.h"

namespace omrsync::app {

/// This node's key for packages, made when there is none; its public half is in the store's identity, from where the
/// other nodes hear of it.
[[nodiscard]] Result<stick::AgeKey> stick_key(const Config& config, ports::Store& store);

/// By what a node is known at the other end of a link: the key and certificate of its line.
struct SigningKey {
  std::string key_pem;
  std::string certificate_pem;
};
[[nodiscard]] Result<SigningKey> signing_key(const Config& config, const std::string& link);

}  // namespace omrsync::app
