#include "adapters/http/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace omrsync::http {
namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

Error unusable(const std::filesystem::path& path, const char* what, int error) {
  return Error{Remedy::stop_node, Code::file_unreadable,
               path.string() + ": " + what + ": " + std::strerror(error) + "."};
}

Result<std::string> read_all(const std::filesystem::path& path, bool secret) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return unusable(path, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return unusable(path, "cannot be read", errno);
  if (!S_ISREG(status.st_mode)) return unusable(path, "is not a regular file", EINVAL);
  if (secret && (status.st_mode & 077) != 0)
    return Error{Remedy::stop_node, Code::secret_readable, path.string() + " may be read by other users."};
  std::string text;
  char part[4096];
  while (true) {
    const ssize_t got = ::read(file.get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unusable(path, "cannot be read", errno);
    if (got == 0) return text;
    text.append(part, static_cast<std::size_t>(got));
    if (text.size() > kLargestFile) return unusable(path, "is too large", EFBIG);
  }
}

Status write_all(int fd, const std::filesystem::path& path, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t put = ::write(fd, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return unusable(path, "cannot be written", errno);
    done += static_cast<std::size_t>(put);
  }
  if (::fsync(fd) != 0) return unusable(path, "cannot be synced", errno);
  return Done{};
}

Status sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return unusable(folder, "cannot be synced", errno);
  return Done{};
}

Status replace(const std::filesystem::path& path, const std::string& text, mode_t mode) {
  std::filesystem::path partial = path;
  partial += ".partial";
  ::unlink(partial.c_str());
  {
    const Descriptor file(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.get() < 0) return unusable(partial, "cannot be made", errno);
    OMRSYNC_CHECK(write_all(file.get(), partial, text));
  }
  if (::rename(partial.c_str(), path.c_str()) != 0) return unusable(path, "cannot be replaced", errno);
  return sync_folder(path);
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) { return read_all(path, false); }

Result<std::string> read_secret_file(const std::filesystem::path& path) { return read_all(path, true); }

Status write_public_file(const std::filesystem::path& path, const std::string& text) {
  return replace(path, text, 0644);
}

Status write_secret_file(const std::filesystem::path& path, const std::string& text) {
  return replace(path, text, 0600);
}

}  // namespace omrsync::http
