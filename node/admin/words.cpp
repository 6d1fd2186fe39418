#include "node/admin/words.h"

#include <algorithm>
#include <ctime>

#include "node/decide/view.h"
#include "node/store/facts.h"

namespace omrsync::admin {
std::string time_text(std::int64_t utc_ms) {
  const std::time_t seconds = utc_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text, size);
  if (const std::int64_t rest = utc_ms % 1000; rest > 0) {
    const std::string digits = std::to_string(rest);
    out += "." + std::string(3 - digits.size(), '0') + digits;
  }
  return out + "Z";
}

Json time_or_null(std::int64_t utc_ms) { return utc_ms == 0 ? Json() : Json(time_text(utc_ms)); }

std::string_view type_of(std::string_view table) noexcept { return node::fhir_type(table); }

std::string resource_of(const RootKey& root) { return std::string(type_of(root.table)) + "/" + root.key; }

Result<NodeNames> node_names(ports::StoreTransaction& tx) {
  NodeNames names;
  OMRSYNC_TRY(self, node::identity(tx));
  if (self) names[self->node] = self->name;
  OMRSYNC_TRY(parent, tx.get(node::tables::kMeta, "parent_name"));
  OMRSYNC_TRY(link, node::link_record(tx, node::kParentLink));
  if (parent && !link.life.parent.node.empty()) names[link.life.parent.node] = *parent;
  OMRSYNC_CHECK(tx.scan(node::tables::kNodes, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    node::Unpacker in(entry.value);
    const auto child = node::ChildRecord::unpack(in);
    names[child.node] = child.name;
    return true;
  }));
  return names;
}

std::string name_or_id(const NodeNames& names, const Uuid& node) {
  const auto found = names.find(node);
  return found == names.end() ? to_string(node) : found->second;
}

Result<std::string> one_by_prefix(const std::vector<std::string>& ids, std::string_view text, std::string_view what) {
  std::vector<std::string> fitting;
  for (const std::string& id : ids) {
    if (id == text) return id;
    if (id.starts_with(text) && std::find(fitting.begin(), fitting.end(), id) == fitting.end()) fitting.push_back(id);
  }
  const std::string quoted = "'" + std::string(text) + "'";
  if (fitting.empty())
    return Error{Remedy::stop_node, Code::not_found, "There is no " + std::string(what) + " " + quoted + "."};
  if (fitting.size() > 1) {
    return Error{Remedy::stop_node, Code::usage,
                 std::to_string(fitting.size()) + " ids begin with " + quoted + "; write more of it."};
  }
  return fitting.front();
}

}  // namespace omrsync::admin
