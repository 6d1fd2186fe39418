#pragma once

#include <memory>

#include "adapters/mysql/database.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

/// The binlog as committed changes of roots. Owners and the targets of references are found in bulk: many small
/// transactions that are there already are read ahead and resolved together; a large one is handed out in pieces while
/// it is read (D21, D23a).
[[nodiscard]] std::unique_ptr<ports::ChangeSource> make_change_source(std::shared_ptr<MysqlDatabase::Shared> shared);

}  // namespace omrsync::mysql
