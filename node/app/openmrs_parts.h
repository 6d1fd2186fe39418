#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/ports/openmrs.h"
#include "node/app/config.h"
#include "node/store/records.h"
#include "protocol/result.h"

namespace omrsync::app {

/// What the engine needs of the local OpenMRS.
struct OpenmrsParts {
  std::unique_ptr<ports::OpenmrsDatabase> database;
  std::unique_ptr<ports::BodyCodec> codec;
  std::unique_ptr<ports::ChangeSource> changes;
};

/// How to log in, the password read from its file. `secret_readable`, `file_unreadable`.
[[nodiscard]] Result<mysql::ConnectionOptions> connection_options(const Config& config);

/// Declarations that the configuration stands for: [scope] exclude_tables (openmrs::compile_model).
[[nodiscard]] std::vector<std::string> site_declarations(const Config& config);

/// Connects and reads the schema. `retry_later` and `reconnect` while the server is away; other failures are for people.
[[nodiscard]] Result<OpenmrsParts> open_openmrs(const Config& config, const node::Identity& identity);

}  // namespace omrsync::app
