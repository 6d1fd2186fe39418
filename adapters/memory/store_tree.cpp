#include "adapters/memory/store_tree.h"

#include <utility>

namespace omrsync::memory {
namespace {

std::uint64_t priority_of(std::string_view key) {
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a, then mixed: its high bits alone are too regular
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9U;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBU;
  return hash ^ (hash >> 31);
}

bool before_end(std::string_view key, std::string_view to) { return to.empty() || key < to; }

}  // namespace

struct StoreTree::Node {
  std::shared_ptr<const Item> item;
  std::uint64_t priority;
  std::uint64_t writer;
  Ptr left;
  Ptr right;
};

const StoreTree::Item* StoreTree::find(std::string_view key) const {
  const Node* node = root_.get();
  while (node != nullptr) {
    const int order = key.compare(node->item->key);
    if (order == 0) return node->item.get();
    node = order < 0 ? node->left.get() : node->right.get();
  }
  return nullptr;
}

void StoreTree::scan(std::string_view from, std::string_view to, const std::function<bool(const Item&)>& visit) const {
  visit_node(root_.get(), from, to, visit);
}

bool StoreTree::visit_node(const Node* node, std::string_view from, std::string_view to,
                           const std::function<bool(const Item&)>& visit) {
  if (node == nullptr) return true;
  const std::string_view key = node->item->key;
  if (key >= from && !visit_node(node->left.get(), from, to, visit)) return false;
  if (!before_end(key, to)) return false;
  if (key >= from && !visit(*node->item)) return false;
  return visit_node(node->right.get(), from, to, visit);
}

const StoreTree::Item* StoreTree::last(std::string_view from, std::string_view to) const {
  const Node* node = root_.get();
  const Item* best = nullptr;
  while (node != nullptr) {
    if (before_end(node->item->key, to)) {
      best = node->item.get();
      node = node->right.get();
    } else {
      node = node->left.get();
    }
  }
  return best != nullptr && best->key >= from ? best : nullptr;
}

void StoreTree::put(std::uint64_t writer, std::string_view key, std::string_view value) {
  insert(writer, root_, std::make_shared<const Item>(Item{std::string(key), std::string(value)}), priority_of(key));
}

void StoreTree::erase(std::uint64_t writer, std::string_view from, std::string_view to) {
  if (!to.empty() && to <= from) return;
  auto [low, rest] = split(writer, std::move(root_), from);
  Ptr high = to.empty() ? nullptr : split(writer, std::move(rest), to).second;
  root_ = merge(writer, std::move(low), std::move(high));
}

StoreTree::Node& StoreTree::own(std::uint64_t writer, Ptr& place) {
  if (place->writer != writer) {
    place = std::make_shared<Node>(*place);
    place->writer = writer;
  }
  return *place;
}

/// Keys below `key`, and the others.
std::pair<StoreTree::Ptr, StoreTree::Ptr> StoreTree::split(std::uint64_t writer, Ptr tree, std::string_view key) {
  if (tree == nullptr) return {};
  Node& node = own(writer, tree);
  if (node.item->key < key) {
    auto [low, high] = split(writer, std::move(node.right), key);
    node.right = std::move(low);
    return {std::move(tree), std::move(high)};
  }
  auto [low, high] = split(writer, std::move(node.left), key);
  node.left = std::move(high);
  return {std::move(low), std::move(tree)};
}

StoreTree::Ptr StoreTree::merge(std::uint64_t writer, Ptr low, Ptr high) {
  if (low == nullptr) return high;
  if (high == nullptr) return low;
  if (low->priority >= high->priority) {
    Node& node = own(writer, low);
    node.right = merge(writer, std::move(node.right), std::move(high));
    return low;
  }
  Node& node = own(writer, high);
  node.left = merge(writer, std::move(low), std::move(node.left));
  return high;
}

/// A node above `priority` may hold the key itself; below it the key cannot stand, since its priority is its hash.
void StoreTree::insert(std::uint64_t writer, Ptr& place, const std::shared_ptr<const Item>& item,
                       std::uint64_t priority) {
  if (place == nullptr || place->priority < priority) {
    auto [low, high] = split(writer, std::move(place), item->key);
    place = std::make_shared<Node>(Node{item, priority, writer, std::move(low), std::move(high)});
    return;
  }
  Node& node = own(writer, place);
  const int order = item->key.compare(node.item->key);
  if (order == 0) {
    node.item = item;
  } else {
    insert(writer, order < 0 ? node.left : node.right, item, priority);
  }
}

}  // namespace omrsync::memory
