#include "node/app/open.h"

#include <vector>

#include "adapters/repository/tables.h"
#include "adapters/sqlite/store.h"
#include "adapters/system/clock.h"
#include "adapters/system/files.h"
#include "node/store/tables.h"

namespace omrsync::app {

Result<std::unique_ptr<ports::Store>> open_store(const Config& config) {
  std::error_code error;
  if (!std::filesystem::exists(config.store_file, error)) {
    return Error{Remedy::stop_node, Code::config_missing,
                 "There is no store " + config.store_file.string() + "; 'omrsync init' makes it."};
  }
  std::vector<std::string_view> tables(node::tables::kAll.begin(), node::tables::kAll.end());
  if (!config.openmrs) tables.insert(tables.end(), repository::tables::kAll.begin(), repository::tables::kAll.end());
  return sqlite::open_store(config.store_file, tables);
}

Result<Json> read_json_file(const std::filesystem::path& file) {
  OMRSYNC_TRY(text, system::read_file(file));
  return parse_json(text, Code::config_invalid);
}

Result<Json> read_secret_json_file(const std::filesystem::path& file) {
  OMRSYNC_TRY(text, system::read_secret_file(file));
  return parse_json(text, Code::config_invalid);
}

std::int64_t now_ms() { return system::Clock().utc().count(); }

}  // namespace omrsync::app
