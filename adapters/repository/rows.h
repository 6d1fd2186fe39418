#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/ports/openmrs.h"

/// What lies in the tables of a repository, and its bytes.
namespace omrsync::repository {

/// A root with all that was ever said of it, in wire terms.
struct Row {
  std::uint64_t number = 0;  ///< given at its first commit, rising, never again
  std::map<GroupName, GroupValue> groups;
};

/// One committed transaction, as the log shows it.
struct Commit {
  std::int64_t at_ms = 0;
  std::string marker_key;
  std::string marker_payload;
  std::vector<ports::RootChange> roots;
};

[[nodiscard]] std::string encode(const Row& row);
[[nodiscard]] std::string encode(const Commit& commit);

/// `store_damaged` when the bytes are none of ours.
[[nodiscard]] Result<Row> decode_row(std::string_view bytes);
[[nodiscard]] Result<Commit> decode_commit(std::string_view bytes);

}  // namespace omrsync::repository
