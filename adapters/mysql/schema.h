#pragma once

#include <string>

#include "adapters/mysql/connection.h"
#include "adapters/openmrs/model.h"

namespace omrsync::mysql {

/// Tables, columns, keys and references of `database`, from information_schema; views are left out. Takes five short
/// queries. The account must be allowed more than SELECT for cascades to be visible. Failures: those of the connection;
/// db_privilege_missing when the account sees no table at all.
Result<openmrs::Schema> read_schema(Connection& connection, const std::string& database);

}  // namespace omrsync::mysql
