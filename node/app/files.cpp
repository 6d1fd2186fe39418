#include "node/app/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace omrsync::app {

Status make_private_folder(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Done{};
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return Done{};
  return Error{Remedy::stop_node, Code::file_unreadable,
               "The folder " + path.string() + " cannot be made: " + std::strerror(errno) + "."};
}

}  // namespace omrsync::app
