#include "adapters/sqlite/failure.h"

#include <sqlite3.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>

namespace omrsync::sqlite {
namespace {

constexpr unsigned long kNoRoomBytes = 256 * 1024;

/// SQLite reports a full disk as an input/output error where it does not itself write (sync, shared memory, opening).
bool is_disk_full(sqlite3* db, const std::filesystem::path& file) {
  const int number = db == nullptr ? 0 : sqlite3_system_errno(db);
  if (number == ENOSPC || number == EDQUOT) return true;
  struct statvfs disk {};
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  return ::statvfs(folder.c_str(), &disk) == 0 && disk.f_bavail * disk.f_frsize < kNoRoomBytes;
}

}  // namespace

Error failure(sqlite3* db, int code, const std::filesystem::path& file) {
  const std::string said = std::string(sqlite3_errstr(code)) + " (SQLite code " + std::to_string(code) + ")";
  const Error full{Remedy::retry_later, Code::disk_full, "the store cannot grow: " + said};
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {Remedy::retry_later, Code::store_busy, "another process uses the store: " + said};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (is_disk_full(db, file)) return full;
      [[fallthrough]];
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Remedy::stop_node, Code::disk_read_only, "the store cannot be read or written: " + said};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Remedy::stop_node, Code::store_damaged, "the store is damaged: " + said};
    case SQLITE_TOOBIG:
      return {Remedy::set_aside, Code::limit_exceeded, "a value is too large for the store: " + said};
    default:
      return {Remedy::stop_node, Code::defect, "the store gave an unexpected answer: " + said};
  }
}

Error file_failure(int error_number, std::string_view doing) {
  const std::string message = std::string(doing) + ": " + std::strerror(error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return {Remedy::retry_later, Code::disk_full, message};
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
      return {Remedy::stop_node, Code::file_unreadable, message};
    default:
      return {Remedy::stop_node, Code::disk_read_only, message};
  }
}

}  // namespace omrsync::sqlite
