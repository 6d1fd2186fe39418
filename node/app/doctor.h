#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node/app/config.h"
#include "protocol/codes.h"
#include "protocol/json.h"

/// What could be wrong with a node, looked at from the inside out.
namespace omrsync::app {

struct Check {
  enum class State { ok, warning, failed };
  std::string name;  ///< stable: "disk", "database.log_bin", "parent.tls"
  State state = State::ok;
  Code code = Code::defect;  ///< means nothing when ok
  std::string message;       ///< what is, one sentence
  std::string remedy;        ///< empty when ok
};

[[nodiscard]] Json to_json(const Check& check);

/// Runs all checks and hands each out as soon as it is known. Reads only, but for one question to the parent. A check
/// that rests on one that failed is left out.
void run_checks(const Config& config, const std::function<void(const Check&)>& visit);

}  // namespace omrsync::app
