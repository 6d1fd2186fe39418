#pragma once

#include <array>
#include <string_view>

#include "adapters/ports/store.h"

/// The tables of the node's store that a repository keeps its rows in. Numbers in keys are eight bytes, most
/// significant first; values are laid out by rows.h.
namespace omrsync::repository::tables {

using ports::TableName;

inline constexpr TableName kRows{"repository_rows_blob"};  ///< root (root_bytes) -> Row
inline constexpr TableName kRefers{
    "repository_refers"};  ///< key_bytes of a target, NUL, number of a row -> that row's root
inline constexpr TableName kLog{"repository_log_blob"};     ///< number of a commit -> Commit, until it was taken
inline constexpr TableName kMarkers{"repository_markers"};  ///< marker -> number of its commit
inline constexpr TableName kMeta{"repository_meta"};        ///< name -> one of the repository's single facts

inline constexpr std::array<std::string_view, 5> kAll = {kRows.name, kRefers.name, kLog.name, kMarkers.name,
                                                         kMeta.name};

}  // namespace omrsync::repository::tables
