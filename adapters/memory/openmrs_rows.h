#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/ports/openmrs.h"

namespace omrsync::memory {

/// A column that names another root by its key. NULL or absent: no target.
struct TwinReference {
  std::string column;
  std::string target;  ///< root table
  bool nullable = true;
};

/// A root table of the twin. Columns are cells of the groups' values, of the root's own row and of owned rows alike.
struct TwinTable {
  ports::RootTable table;
  std::vector<GroupName> groups;  ///< of the root's own row, beside `life`: every row that is there has them
  std::vector<TwinReference> references;
  std::vector<std::string> unique;  ///< columns whose text no two roots of the table share
};

/// A few tables with the ties that matter: a self-reference, a cycle, owned rows, links, references of both kinds.
[[nodiscard]] std::vector<TwinTable> twin_schema();

struct TwinRow {
  std::uint64_t local_id = 0;
  std::map<GroupName, GroupValue> groups;
};

using TwinRows = std::map<RootKey, std::shared_ptr<const TwinRow>>;

/// The row that a group belongs to: empty for the root's own, else the name before '#'.
[[nodiscard]] std::string row_of(const GroupName& group);

/// One committed transaction.
struct TwinCommit {
  struct Root {
    RootKey root;
    std::shared_ptr<const TwinRow> before;
    std::shared_ptr<const TwinRow> after;
  };
  std::uint32_t file = 1;
  std::uint64_t offset = 0;  ///< of its end
  std::uint64_t chain = 0;   ///< fingerprint of the log up to its end; differs after a physical restore
  std::chrono::milliseconds committed_at{0};
  std::string author;
  std::string marker_key;
  std::string marker_payload;
  std::vector<Root> roots;
  std::vector<std::string> unlogged_tables;
  bool reloaded = false;  ///< tables were dropped and filled again
};

/// Everything that a backup holds. Copies share rows and commits.
struct TwinState {
  std::shared_ptr<const TwinRows> rows = std::make_shared<TwinRows>();
  std::vector<std::shared_ptr<const TwinCommit>> log;
  std::vector<std::string> markers;  ///< oldest first
  std::string signature;
  std::uint32_t file = 1;
  std::uint64_t offset = 4;
  std::uint64_t chain = 0;
  std::size_t purged = 0;  ///< commits at the log's start that are no longer there
  std::uint64_t last_local_id = 0;
};

}  // namespace omrsync::memory
