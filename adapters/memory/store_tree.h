#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace omrsync::memory {

/// An ordered map of byte strings whose copy costs O(1): copies share their nodes and neither sees the other's changes.
/// A treap with the key's hash as priority, so that equal content has equal shape whatever the history.
///
/// A writer gives its number with each change: nodes of that number are its own and are changed in place, all others
/// are copied first. So a number may not be used again once a copy of the tree was given away.
class StoreTree {
 public:
  struct Item {
    std::string key;
    std::string value;
  };

  [[nodiscard]] const Item* find(std::string_view key) const;

  /// Items with from <= key < to in rising order (`to` empty: to the end) until `visit` returns false.
  void scan(std::string_view from, std::string_view to, const std::function<bool(const Item&)>& visit) const;

  /// The highest item with from <= key < to, or null.
  [[nodiscard]] const Item* last(std::string_view from, std::string_view to) const;

  void put(std::uint64_t writer, std::string_view key, std::string_view value);
  void erase(std::uint64_t writer, std::string_view from, std::string_view to);

 private:
  struct Node;
  using Ptr = std::shared_ptr<Node>;

  static Node& own(std::uint64_t writer, Ptr& place);
  static std::pair<Ptr, Ptr> split(std::uint64_t writer, Ptr tree, std::string_view key);
  static Ptr merge(std::uint64_t writer, Ptr low, Ptr high);
  static void insert(std::uint64_t writer, Ptr& place, const std::shared_ptr<const Item>& item, std::uint64_t priority);
  static bool visit_node(const Node* node, std::string_view from, std::string_view to,
                         const std::function<bool(const Item&)>& visit);

  Ptr root_;
};

}  // namespace omrsync::memory
