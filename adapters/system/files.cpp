#include "adapters/system/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "adapters/system/descriptor.h"

namespace omrsync::system {
namespace {

Error write_failure(int error_number, const std::filesystem::path& file) {
  const std::string message = file.string() + " cannot be written: " + std::strerror(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return {Remedy::retry_later, Code::disk_full, message};
    case EROFS:
    case EIO:
      return {Remedy::stop_node, Code::disk_read_only, message};
    default:
      return {Remedy::stop_node, Code::file_unreadable, message};
  }
}

Error read_failure(int error_number, const std::filesystem::path& file) {
  return {Remedy::stop_node, Code::file_unreadable, file.string() + " cannot be read: " + std::strerror(error_number)};
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<std::string> read_all(int descriptor, const std::filesystem::path& file) {
  std::string bytes;
  std::array<char, 16384> part;
  while (true) {
    const ssize_t got = ::read(descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_failure(errno, file);
    if (got == 0) return bytes;
    bytes.append(part.data(), static_cast<std::size_t>(got));
  }
}

bool is_from_systemd(const std::filesystem::path& file) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && file.parent_path() == std::filesystem::path(folder);
}

}  // namespace

Status write_file_atomically(const std::filesystem::path& file, std::string_view bytes, mode_t mode) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::string draft = file.string() + ".XXXXXX";
  const Descriptor out(::mkostemp(draft.data(), O_CLOEXEC));
  if (!out.is_open()) return write_failure(errno, file);
  if (!write_all(out.number(), bytes) || ::fchmod(out.number(), mode) != 0 || ::fsync(out.number()) != 0 ||
      ::rename(draft.c_str(), file.c_str()) != 0) {
    const Error error = write_failure(errno, file);
    ::unlink(draft.c_str());
    return error;
  }
  const Descriptor entry(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!entry.is_open() || ::fsync(entry.number()) != 0) return write_failure(errno, file);
  return Done{};
}

Result<std::string> read_file(const std::filesystem::path& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.is_open()) return read_failure(errno, file);
  return read_all(in.number(), file);
}

Result<std::string> read_secret_file(const std::filesystem::path& file) {
  const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.is_open()) return read_failure(errno, file);
  struct stat found {};
  if (::fstat(in.number(), &found) != 0) return read_failure(errno, file);
  const mode_t forbidden = is_from_systemd(file) ? 0007 : 0077;
  if ((found.st_mode & forbidden) != 0)
    return Error{Remedy::stop_node, Code::secret_readable,
                 file.string() + " can be read by other users; chmod 0600 it"};
  OMRSYNC_TRY(secret, read_all(in.number(), file));
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  return secret;
}

Result<std::uint64_t> free_bytes(const std::filesystem::path& path) {
  struct statvfs disk {};
  if (::statvfs(path.c_str(), &disk) != 0) return read_failure(errno, path);
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

}  // namespace omrsync::system
