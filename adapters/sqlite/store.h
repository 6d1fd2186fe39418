#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "adapters/ports/store.h"

namespace omrsync::sqlite {

struct Settings {
  std::chrono::milliseconds patience{5000};   ///< how long a lock of another process is waited for
  std::size_t cache_bytes = 2 * 1024 * 1024;  ///< page cache of the writer; each reader has an eighth of it
  std::uint64_t max_bytes = 0;                ///< the file grows no further (disk_full); 0: as the disk allows
};

/// The node's store in one SQLite file (with `-wal` and `-shm` beside it while it is in use), mode 0600.
///
/// Makes the file and missing tables; rows of tables that are not named stay as they are. A table whose name ends in
/// `_blob` is laid out for values of 1 KB and more, the others for small ones. A commit is on the disk when it returns.
/// What was erased is overwritten. The `-wal` file stays small unless a reading transaction is kept open for long.
///
/// Failures, of opening and of every later operation:
///   disk_full       retry_later  nothing of the transaction is kept; goes on by itself when there is room
///   store_busy      retry_later  another process wrote longer than `patience`
///   disk_read_only  stop_node    the disk or the file refuses reads or writes
///   store_damaged   stop_node    not a store of ours, or its pages contradict each other
///   store_newer     stop_node    written by a later format; the file is left untouched
///   file_unreadable stop_node    the folder does not exist
///   limit_exceeded  set_aside    a value too large for SQLite (1 GB)
/// A commit that failed with `stop_node` may be found done at the next start.
///
/// A thread that has a writing transaction open and asks for another gets a defect. A committed transaction lets the
/// next writer in at once. The store ends after its transactions, and in the process that opened it (never across
/// fork).
[[nodiscard]] Result<std::unique_ptr<ports::Store>> open_store(std::filesystem::path file,
                                                               std::span<const std::string_view> tables,
                                                               Settings settings = {});

}  // namespace omrsync::sqlite
