#include "node/store/tables.h"

#include "protocol/varint.h"

namespace omrsync::node::tables {

std::string root_and(const RootKey& root, std::string_view rest) {
  std::string bytes = root_bytes(root);
  bytes.push_back('\0');
  bytes += rest;
  return bytes;
}

std::string_view behind_root(std::string_view bytes) {
  const std::size_t length = root_length(bytes);
  return length + 1 <= bytes.size() ? bytes.substr(length + 1) : std::string_view{};
}

std::string number_key(std::uint64_t number) {
  std::string bytes;
  append_u64(bytes, number);
  return bytes;
}

std::uint64_t number_from(std::string_view bytes) { return take_u64(bytes).value_or(0); }

}  // namespace omrsync::node::tables
