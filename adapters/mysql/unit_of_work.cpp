#include "adapters/mysql/unit_of_work.h"

namespace omrsync::mysql {

Result<std::unique_ptr<ports::UnitOfWork>> begin_unit_of_work(std::shared_ptr<MysqlDatabase::Shared>) {
  return Error{Remedy::stop_node, Code::defect, "applying is not built yet"};
}

}  // namespace omrsync::mysql
