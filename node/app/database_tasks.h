#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node/app/config.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// What an operator does with, or asks of, the OpenMRS server.
namespace omrsync::app {

/// SQL statements, without ';', for the account with the least privileges that is enough. `host` empty: from where this
/// node connects.
[[nodiscard]] Result<std::vector<std::string>> grant_statements(const Config& config, const std::string& host,
                                                                bool mariadb);

/// Makes our schema beside OpenMRS's. Repeating it changes nothing.
[[nodiscard]] Status init_database(const Config& config);

/// What becomes of one column of the live database.
struct ColumnCoverage {
  std::string table;
  std::string column;
  std::string state;  ///< mapped, residual, identity, excluded
  std::string root;   ///< the root table that it travels with
  std::string group;
  std::string reason;
};
[[nodiscard]] Json to_json(const ColumnCoverage& column);
[[nodiscard]] Status coverage(const Config& config, const std::function<void(const ColumnCoverage&)>& visit);

}  // namespace omrsync::app
