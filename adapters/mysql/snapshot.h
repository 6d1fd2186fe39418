#pragma once

#include <memory>

#include "adapters/mysql/database_shared.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

/// Opens a consistent snapshot and learns its place in the log. Failures: those of the connection; db_setting_wrong
/// where the server cannot tell the place.
Result<std::unique_ptr<ports::Snapshot>> open_snapshot(std::shared_ptr<MysqlDatabase::Shared> shared);

}  // namespace omrsync::mysql
