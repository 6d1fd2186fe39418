#include "protocol/root_bytes.h"

#include <algorithm>

#include "protocol/ids.h"

namespace omrsync {

std::string key_bytes(std::string_view key) {
  const auto uuid = parse_uuid(key);
  if (!uuid || to_string(*uuid) != key) return '\2' + std::string(key);
  std::string bytes(1, '\1');
  bytes.append(reinterpret_cast<const char*>(uuid->bytes.data()), uuid->bytes.size());
  return bytes;
}

std::string root_bytes(const RootKey& root) {
  std::string bytes = root.table;
  bytes.push_back('\0');
  return bytes + key_bytes(root.key);
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

std::size_t root_length(std::string_view bytes) noexcept {
  const std::size_t nul = bytes.find('\0');
  if (nul == std::string_view::npos || nul + 1 >= bytes.size()) return bytes.size();
  if (bytes[nul + 1] == '\1') return std::min(bytes.size(), nul + 18);
  const std::size_t end = bytes.find('\0', nul + 2);
  return end == std::string_view::npos ? bytes.size() : end;
}

}  // namespace omrsync
