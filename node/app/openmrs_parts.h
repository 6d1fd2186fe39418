#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/ports/clock.h"
#include "adapters/ports/openmrs.h"
#include "adapters/ports/store.h"
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

/// `config_invalid` at a node without [openmrs].
[[nodiscard]] Status needs_openmrs(const Config& config);

/// How to log in, the password read from its file. `secret_readable`, `file_unreadable`, and as `needs_openmrs`.
[[nodiscard]] Result<mysql::ConnectionOptions> connection_options(const Config& config);

/// Declarations that the configuration stands for: [scope] exclude_tables (openmrs::compile_model).
[[nodiscard]] std::vector<std::string> site_declarations(const Config& config);

/// Connects and reads the schema; without [openmrs] the node's own `store`, which outlives the parts like `clock`,
/// takes the database's place. `retry_later` and `reconnect` while the server is away; other failures are for people.
[[nodiscard]] Result<OpenmrsParts> open_openmrs(const Config& config, const node::Identity& identity,
                                                ports::Store& store, ports::Clock& clock);

}  // namespace omrsync::app
