#pragma once

#include <map>
#include <string>
#include <string_view>

#include "adapters/ports/openmrs.h"
#include "node/store/records.h"
#include "protocol/result.h"

namespace omrsync::node {

/// Which class each root table is of. A table that this node does not have counts as clinical. One thread at a time.
class TableClasses {
 public:
  explicit TableClasses(ports::OpenmrsDatabase& openmrs) : openmrs_(openmrs) {}
  Result<ports::RootTable::Class> of(const std::string& table);

 private:
  ports::OpenmrsDatabase& openmrs_;
  std::map<std::string, ports::RootTable::Class> known_;
};

/// What whoever sent the item under that inbox key may write here, in whatever life of the link it came. Only children
/// are held to grants; a child that is not known may write nothing.
Result<Grant> grant_up(ports::StoreTransaction& tx, std::string_view inbox_key, const InboxItem& item);

/// What may be told over `link`.
Result<Grant> grant_down(ports::StoreTransaction& tx, std::string_view link);

}  // namespace omrsync::node
