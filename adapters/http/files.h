#pragma once

#include <filesystem>
#include <string>

#include "protocol/result.h"

namespace omrsync::http {

/// The whole file, at most 1 MiB (keys and certificates are small). `file_unreadable` names the path.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);

/// Like `read_file`, but refuses (`secret_readable`) a file that its group or others may read.
[[nodiscard]] Result<std::string> read_secret_file(const std::filesystem::path& path);

/// Replaces the file as a whole: after a crash there is the old or the new one. Readable by everyone.
[[nodiscard]] Status write_public_file(const std::filesystem::path& path, const std::string& text);

/// Like `write_public_file`, mode 0600 from its first byte on.
[[nodiscard]] Status write_secret_file(const std::filesystem::path& path, const std::string& text);

}  // namespace omrsync::http
