#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::system {

/// Replaces the file as a whole: after a crash it has the old bytes or the new ones, and when this returns the new ones
/// are on the disk. Failures leave the old file: disk_full `retry_later`, disk_read_only and file_unreadable
/// `stop_node`.
[[nodiscard]] Status write_file_atomically(const std::filesystem::path& file, std::string_view bytes, mode_t mode);

/// All bytes. Failure: file_unreadable, which names the file.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& file);

/// A password, token or key without the end of its line. Failures: file_unreadable; secret_readable where other users
/// may read it. The group may only where systemd handed it over ($CREDENTIALS_DIRECTORY).
[[nodiscard]] Result<std::string> read_secret_file(const std::filesystem::path& file);

/// What an ordinary user may still write to the disk that holds `path`, in bytes.
[[nodiscard]] Result<std::uint64_t> free_bytes(const std::filesystem::path& path);

}  // namespace omrsync::system
