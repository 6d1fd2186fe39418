#include "adapters/openmrs/table_order.h"

#include <algorithm>
#include <map>
#include <set>

namespace omrsync::openmrs {
namespace {

struct Waits {
  std::set<std::string> hard;  ///< targets of NOT NULL columns
  std::set<std::string> soft;  ///< targets of nullable columns
};

std::map<std::string, Waits> who_waits(const Schema& schema, const std::vector<std::string>& tables) {
  std::map<std::string, Waits> waits;
  for (const std::string& name : tables) waits[name];
  for (auto& [name, each] : waits) {
    const auto table = schema.find(name);
    if (table == schema.end()) continue;
    for (const Column& column : table->second.columns) {
      if (column.references == name || !waits.contains(column.references)) continue;
      (column.nullable ? each.soft : each.hard).insert(column.references);
    }
  }
  return waits;
}

}  // namespace

std::vector<std::string> insert_order(const Schema& schema, const std::vector<std::string>& tables) {
  std::map<std::string, Waits> waits = who_waits(schema, tables);
  std::vector<std::string> order;
  while (!waits.empty()) {
    const auto next = std::min_element(waits.begin(), waits.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second.hard.size(), a.second.soft.size()) <
             std::pair(b.second.hard.size(), b.second.soft.size());
    });
    const std::string name = next->first;
    waits.erase(next);
    for (auto& [other, each] : waits) {
      each.hard.erase(name);
      each.soft.erase(name);
    }
    order.push_back(name);
  }
  return order;
}

}  // namespace omrsync::openmrs
