#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/store.h"
#include "node/admin/nodes.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// How the node stands, from what is on this machine alone.
namespace omrsync::admin {

/// A part that is not well.
struct Fault {
  Code code = Code::defect;
  std::string message;
};

/// What only the running daemon knows.
struct LiveCapture {
  std::string state;  ///< running, waiting, loading, healing, stopped, failed
  std::string position;
  double lag_seconds = 0;
  std::optional<Fault> fault;
};

/// What the assembly knows and the store does not.
struct Surroundings {
  std::string role;
  std::string version;
  std::optional<std::string> parent_url;
  bool has_openmrs = false;
  std::string capture_source;               ///< "binlog"
  std::optional<int> daemon_pid;            ///< none: no daemon runs
  std::optional<LiveCapture> capture;       ///< none: the daemon did not say
  std::int64_t certificate_expires_ms = 0;  ///< 0: no certificate
  std::uint64_t free_bytes = 0;
  std::int64_t now_ms = 0;
};

struct StatusAnswer {
  Json json;                           ///< omrsync/status/1
  std::vector<std::string> attention;  ///< why somebody should look; empty: nothing
};

Result<StatusAnswer> status(ports::StoreTransaction& tx, const Surroundings& around);

}  // namespace omrsync::admin
