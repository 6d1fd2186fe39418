#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/model.h"

namespace omrsync::openmrs {

/// A table as a declaration has it: nothing here has been held against a live schema yet.
struct DeclaredTable {
  std::string table;
  std::string owner;     ///< of an owned table
  std::string identity;  ///< "uuid", "natural", "owner"; empty: uuid where the table has one, else natural
  std::vector<std::string> key;
  std::vector<ColumnGroup> groups;  ///< a column may end in '*'
  std::string rest;                 ///< name of the group for columns that no group names
};

struct DeclaredRoot {
  DeclaredTable root;
  ports::RootTable::Class kind = ports::RootTable::Class::clinical;
  std::vector<DeclaredTable> owned;
};

struct DeclaredReference {
  std::string table;
  std::string column;
  std::string target;
};

struct Declarations {
  std::map<std::string, DeclaredRoot, std::less<>> roots;
  std::vector<DeclaredReference> references;
  std::vector<EmbeddedReference> embedded;
  std::vector<Excluded> excluded;  ///< `table` may end in '*'
  std::vector<RowRule> rows;
};

/// The declarations that are built in, then `more`; a later one for the same root replaces the earlier.
Result<Declarations> read_declarations(const std::vector<std::string>& more);

struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};

/// The files of mapping/, as they were when this program was built.
[[nodiscard]] const std::vector<EmbeddedFile>& embedded_declarations();

/// `name` is `pattern`, or begins with it where it ends in '*'.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name) noexcept;

}  // namespace omrsync::openmrs
