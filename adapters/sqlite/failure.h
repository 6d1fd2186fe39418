#pragma once

#include <filesystem>

#include "protocol/result.h"

struct sqlite3;

namespace omrsync::sqlite {

/// What SQLite's (extended) result code means for the node: the only place in this folder that judges them. The message
/// has SQLite's own words for the code, never SQL or values. `db` may be null; `file` tells whose disk to look at.
[[nodiscard]] Error failure(sqlite3* db, int code, const std::filesystem::path& file);

/// The same for errno of a file operation at opening.
[[nodiscard]] Error file_failure(int error_number, std::string_view doing);

}  // namespace omrsync::sqlite
