#pragma once

#include <string>
#include <vector>

#include "adapters/sqlite/connection.h"

namespace omrsync::sqlite {

/// The names of the tables, sorted, without repeats.
using Tables = std::vector<std::string>;

/// Refuses, without a write, a file that is not a store of ours or that a later format wrote.
[[nodiscard]] Status check_format(Connection& connection);

/// Brings the file to the present format (forward only) and makes missing tables: one transaction, none when nothing is
/// to be done.
[[nodiscard]] Status bring_up_to_date(Connection& connection, const Tables& tables);

}  // namespace omrsync::sqlite
