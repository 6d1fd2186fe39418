#include "node/app/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace omrsync::app {
namespace {

namespace fs = std::filesystem;

Error failure(const char* act, const fs::path& path) {
  const int why = errno;
  const Code code = why == ENOSPC || why == EDQUOT ? Code::disk_full : why == EROFS ? Code::disk_read_only
                                                                                    : Code::file_unreadable;
  return {Remedy::retry_later, code, std::string("Cannot ") + act + " " + path.string() + ": " + std::strerror(why) + "."};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] bool close() noexcept { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Status sync_folder(const fs::path& folder) {
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) return failure("write to", folder);
  return Done{};
}

bool is_credential(const fs::path& path) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && path.parent_path() == fs::path(folder);
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failure("read", path);
  std::string content;
  char piece[65536];
  for (;;) {
    const ssize_t size = ::read(file.get(), piece, sizeof piece);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("read", path);
    if (size == 0) return content;
    content.append(piece, static_cast<std::size_t>(size));
    if (content.size() > max_bytes)
      return Error{Remedy::set_aside, Code::limit_exceeded, "The file " + path.string() + " is too long."};
  }
}

Result<std::string> read_secret(const fs::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return failure("read", path);
  if ((about.st_mode & 077U) != 0 && !is_credential(path)) {
    return Error{Remedy::stop_node, Code::secret_readable,
                 "Other users may read the secret file " + path.string() + "; run: chmod 0600 " + path.string()};
  }
  return read_file(path, 1U << 20U);
}

Result<std::string> read_password(const fs::path& path) {
  OMRSYNC_TRY(content, read_secret(path));
  return content.substr(0, content.find_first_of("\r\n"));
}

Status write_private_file(const fs::path& path, std::string_view content) {
  const fs::path draft = path.string() + ".new";
  Descriptor file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return failure("write", draft);
  if (::fchmod(file.get(), 0600) != 0 || !write_all(file.get(), content) || ::fsync(file.get()) != 0 || !file.close()) {
    const Error error = failure("write", draft);
    ::unlink(draft.c_str());
    return error;
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return failure("replace", path);
  return sync_folder(path.parent_path().empty() ? fs::path(".") : path.parent_path());
}

Status make_private_folder(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return Done{};
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failure("make the folder", path);
  return Done{};
}

}  // namespace omrsync::app
