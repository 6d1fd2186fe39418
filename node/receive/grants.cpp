#include "node/receive/grants.h"

#include "node/store/facts.h"

namespace omrsync::node {
namespace {

constexpr Grant kNothing{false, false, 0};

Result<Grant> grant_of(ports::StoreTransaction& tx, std::string_view link, Grant ChildRecord::*direction) {
  if (link == kParentLink || link == kPastLink) return Grant{};
  OMRSYNC_TRY(child, get_record<ChildRecord>(tx, tables::kNodes, link));
  return child ? (*child).*direction : kNothing;
}

}  // namespace

Result<ports::RootTable::Class> TableClasses::of(const std::string& table) {
  if (known_.empty()) {
    OMRSYNC_TRY(tables, openmrs_.tables());
    for (const ports::RootTable& each : tables) known_[each.table] = each.kind;
  }
  const auto known = known_.find(table);
  return known == known_.end() ? ports::RootTable::Class::clinical : known->second;
}

Result<Grant> grant_up(ports::StoreTransaction& tx, std::string_view inbox_key, const InboxItem& item) {
  return grant_of(tx, item.sender.empty() ? link_place(inbox_key).link : item.sender, &ChildRecord::up);
}

Result<Grant> grant_down(ports::StoreTransaction& tx, std::string_view link) {
  return grant_of(tx, link, &ChildRecord::down);
}

}  // namespace omrsync::node
