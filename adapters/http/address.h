#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace omrsync::http {

struct HostPort {
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = 0;
};

/// "0.0.0.0:8443", "[::1]:0" or "localhost:8443". Anything else: `config_invalid`.
[[nodiscard]] Result<HostPort> parse_address(std::string_view text);

/// Host and port (443 when absent) of "https://host[:port]" with no path but "/". Other schemes, user names, queries
/// and fragments: `config_invalid`.
[[nodiscard]] Result<HostPort> parse_https_url(std::string_view url);

}  // namespace omrsync::http
