#include "node/store/tables.h"

#include "protocol/varint.h"

namespace omrsync::node::tables {
namespace {

std::size_t root_length(std::string_view bytes) {
  const std::size_t nul = bytes.find('\0');
  if (nul == std::string_view::npos || nul + 1 >= bytes.size()) return bytes.size();
  if (bytes[nul + 1] == '\1') return std::min(bytes.size(), nul + 18);
  const std::size_t end = bytes.find('\0', nul + 2);
  return end == std::string_view::npos ? bytes.size() : end;
}

}  // namespace

std::string root_bytes(const RootKey& root) {
  std::string bytes = root.table;
  bytes.push_back('\0');
  const auto uuid = parse_uuid(root.key);
  if (uuid && to_string(*uuid) == root.key) {
    bytes.push_back('\1');
    bytes.append(reinterpret_cast<const char*>(uuid->bytes.data()), uuid->bytes.size());
  } else {
    bytes.push_back('\2');
    bytes += root.key;
  }
  return bytes;
}

RootKey root_from(std::string_view bytes) {
  RootKey root;
  bytes = bytes.substr(0, root_length(bytes));
  const std::size_t nul = bytes.find('\0');
  if (nul == std::string_view::npos || nul + 1 >= bytes.size()) return root;
  root.table = bytes.substr(0, nul);
  const std::string_view key = bytes.substr(nul + 2);
  if (bytes[nul + 1] == '\1' && key.size() == 16) {
    Uuid uuid;
    std::copy(key.begin(), key.end(), uuid.bytes.begin());
    root.key = to_string(uuid);
  } else {
    root.key = key;
  }
  return root;
}

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
