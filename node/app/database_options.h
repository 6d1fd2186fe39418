#pragma once

#include "adapters/mysql/database.h"
#include "node/app/config.h"
#include "node/store/records.h"

namespace omrsync::app {

/// How [openmrs] is reached. `secret_readable`, `file_unreadable`: its password file.
[[nodiscard]] Result<mysql::ConnectionOptions> connection_options(const OpenmrsConfig& openmrs);

[[nodiscard]] Result<mysql::DatabaseOptions> database_options(const Config& config, const node::Identity& identity);

}  // namespace omrsync::app
