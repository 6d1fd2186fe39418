#include "adapters/system/file_lock.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace omrsync::system {
namespace {

Error failure(int error_number, const std::filesystem::path& file) {
  const std::string message = file.string() + " cannot be locked: " + std::strerror(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT) return {Remedy::retry_later, Code::disk_full, message};
  if (error_number == EROFS || error_number == EIO) return {Remedy::stop_node, Code::disk_read_only, message};
  return {Remedy::stop_node, Code::file_unreadable, message};
}

/// The whole file. Of the open file, not of the process: so it also keeps this process out, and closing another
/// descriptor of the same file does not drop it. Unlike flock it can be looked at without being taken.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

pid_t read_pid(int descriptor) {
  std::array<char, 24> text{};
  const ssize_t got = ::pread(descriptor, text.data(), text.size() - 1, 0);
  return got <= 0 ? 0 : static_cast<pid_t>(std::strtol(text.data(), nullptr, 10));
}

}  // namespace

Result<FileLock> FileLock::take(const std::filesystem::path& file) {
  Descriptor opened(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!opened.is_open()) return failure(errno, file);
  struct flock lock = whole_file();
  if (::fcntl(opened.number(), F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return failure(errno, file);
    return Error{Remedy::retry_later, Code::node_locked,
                 "process " + std::to_string(read_pid(opened.number())) + " holds " + file.string()};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(opened.number(), 0) != 0 ||
      ::pwrite(opened.number(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return failure(errno, file);
  return FileLock(std::move(opened));
}

Result<std::optional<pid_t>> FileLock::holder(const std::filesystem::path& file) {
  const Descriptor opened(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!opened.is_open()) {
    if (errno == ENOENT) return std::optional<pid_t>();
    return failure(errno, file);
  }
  struct flock lock = whole_file();
  if (::fcntl(opened.number(), F_OFD_GETLK, &lock) != 0) return failure(errno, file);
  if (lock.l_type == F_UNLCK) return std::optional<pid_t>();
  return std::optional<pid_t>(read_pid(opened.number()));
}

}  // namespace omrsync::system
