#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::app {

/// The whole file, at most `max_bytes`. Failure: `file_unreadable`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes = 16U << 20U);

/// Like `read_file`; `secret_readable` when anybody but the owner may read it (files of $CREDENTIALS_DIRECTORY excepted).
[[nodiscard]] Result<std::string> read_secret(const std::filesystem::path& path);

/// The first line of a secret file: a password.
[[nodiscard]] Result<std::string> read_password(const std::filesystem::path& path);

/// Replaces `path` as a whole, mode 0600, durable when it returns: there is the old file or the new one, never half of it.
[[nodiscard]] Status write_private_file(const std::filesystem::path& path, std::string_view content);

/// Makes the folder and its parents where they are missing; a new folder has mode 0700.
[[nodiscard]] Status make_private_folder(const std::filesystem::path& path);

}  // namespace omrsync::app
