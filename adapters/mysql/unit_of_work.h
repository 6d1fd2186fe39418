#pragma once

#include <memory>

#include "adapters/mysql/database_shared.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

/// Opens a transaction that never waits for a lock (D7a): READ COMMITTED, innodb_lock_wait_timeout 0.
Result<std::unique_ptr<ports::UnitOfWork>> begin_unit_of_work(std::shared_ptr<MysqlDatabase::Shared> shared);

}  // namespace omrsync::mysql
