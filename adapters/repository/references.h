#pragma once

#include <set>
#include <string>
#include <string_view>

#include "adapters/openmrs/model.h"
#include "adapters/repository/rows.h"

namespace omrsync::repository {

/// Which keys a row names, so that nothing that is still referred to is deleted (D30). Told from the values: whatever
/// looks like a uuid counts, in tables that nobody knows too; names count where the model says that they refer. One too
/// many keeps a row that could go. Read-only after construction.
class References {
 public:
  explicit References(const openmrs::Model& model);

  /// As key_bytes. Who wrote a row is left out: a user is never deleted.
  [[nodiscard]] std::set<std::string> of(const RootKey& root, const Row& row) const;

  /// The keys by which others may refer to the row: its own and those of the rows that it owns, as key_bytes.
  [[nodiscard]] static std::set<std::string> keys_of(const RootKey& root, const Row& row);

 private:
  std::set<std::string, std::less<>> named_;  ///< "table.column" that refers to a row by its name
};

}  // namespace omrsync::repository
