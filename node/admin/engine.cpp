#include "node/admin/engine.h"

#include <array>
#include <utility>

namespace omrsync::admin {
namespace {

using Member = std::uint64_t SyncAnswer::*;

constexpr std::array<std::pair<const char*, Member>, 8> kMembers = {{
    {"captured", &SyncAnswer::captured},
    {"sent", &SyncAnswer::sent},
    {"received", &SyncAnswer::received},
    {"applied", &SyncAnswer::applied},
    {"merged", &SyncAnswer::merged},
    {"conflicts", &SyncAnswer::conflicts},
    {"held", &SyncAnswer::held},
    {"quarantined", &SyncAnswer::quarantined},
}};

}  // namespace

Json to_json(const SyncAnswer& answer) {
  Json json;
  json.set("schema", "omrsync/sync/1");
  for (const auto& [name, member] : kMembers) json.set(name, answer.*member);
  return json;
}

Result<SyncAnswer> sync_answer_from(const Json& json) {
  SyncAnswer answer;
  for (const auto& [name, member] : kMembers) {
    const Json* value = json.find(name);
    if (value == nullptr || value->integer() == nullptr)
      return Error{Remedy::stop_node, Code::wire_malformed, "The daemon's answer has no '" + std::string(name) + "'."};
    answer.*member = static_cast<std::uint64_t>(*value->integer());
  }
  return answer;
}

}  // namespace omrsync::admin
