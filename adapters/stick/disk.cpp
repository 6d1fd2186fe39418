#include "adapters/stick/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace omrsync::stick {
namespace {

Error medium_failed(const std::filesystem::path& path, const char* what, int number) {
  const std::string message = path.string() + " " + what + ": " + std::strerror(number) + ".";
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) return {Remedy::retry_later, Code::disk_full, message};
  if (number == EROFS) return {Remedy::stop_node, Code::disk_read_only, message};
  return {Remedy::retry_later, Code::usb_medium_failed, message};
}

}  // namespace

Handle::~Handle() {
  if (number_ >= 0) ::close(number_);
}

Handle::Handle(Handle&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Result<OutFile> OutFile::create(const std::filesystem::path& path) {
  Handle file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.number() < 0) return medium_failed(path, "cannot be made", errno);
  return OutFile(std::move(file), path);
}

Status OutFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return medium_failed(path_, "cannot be written", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

Status OutFile::close() {
  if (::fsync(file_.number()) != 0) return medium_failed(path_, "cannot be written", errno);
  (void)::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_DONTNEED);
  return Done{};
}

Result<InFile> InFile::open(const std::filesystem::path& path) {
  Handle file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  const bool plain = file.number() >= 0 && ::fstat(file.number(), &found) == 0 && S_ISREG(found.st_mode);
  if (plain) return InFile(std::move(file), path);
  if (file.number() < 0 && errno != ENOENT && errno != ELOOP) return medium_failed(path, "cannot be read", errno);
  return Error{Remedy::set_aside, Code::usb_volume_missing, path.string() + " is not there."};
}

Result<std::string> InFile::read(std::size_t most) {
  std::string bytes(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const ssize_t got = ::read(file_.number(), bytes.data() + size, most - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return medium_failed(path_, "cannot be read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

Result<std::string> read_small(const std::filesystem::path& path, std::size_t most) {
  OMRSYNC_TRY(file, InFile::open(path));
  OMRSYNC_TRY(bytes, file.read(most + 1));
  if (bytes.size() > most)
    return Error{Remedy::set_aside, Code::usb_altered, path.string() + " is larger than it can be."};
  return bytes;
}

Status write_small(const std::filesystem::path& path, std::string_view bytes) {
  OMRSYNC_TRY(file, OutFile::create(path));
  OMRSYNC_CHECK(file.write(bytes));
  return file.close();
}

Status sync_folder(const std::filesystem::path& folder) {
  const Handle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.number() < 0) return medium_failed(folder, "cannot be opened", errno);
  // Some file systems of sticks have no such call for folders; they write names at once.
  if (::fsync(handle.number()) != 0 && errno != EINVAL && errno != ENOSYS)
    return medium_failed(folder, "cannot be written", errno);
  return Done{};
}

Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return medium_failed(from, "cannot be renamed", errno);
  return sync_folder(to.parent_path());
}

}  // namespace omrsync::stick
