#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "adapters/system/descriptor.h"
#include "protocol/result.h"

namespace omrsync::system {

/// The sign that one process, and no other, works in a folder. Held until destruction or the process's end, however it
/// ends; the file stays and keeps the last holder's pid. A child process does not inherit it across exec.
class FileLock {
 public:
  /// Never waits. Held by someone else, in this process too: node_locked `retry_later`, with the pid in the message.
  /// Otherwise as `write_file_atomically`.
  static Result<FileLock> take(const std::filesystem::path& file);

  /// The pid of the holder; none when nobody holds it or there is no file. Looks without touching.
  static Result<std::optional<pid_t>> holder(const std::filesystem::path& file);

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace omrsync::system
