#include "adapters/http/address.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace omrsync::http {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::uint16_t kHttpsPort = 443;

Error invalid(std::string_view text, const char* expected) {
  return Error{Remedy::stop_node, Code::config_invalid, "'" + std::string(text) + "' is not " + expected + "."};
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_character(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

/// "host", "host:port", "[ipv6]" or "[ipv6]:port".
std::optional<HostPort> split(std::string_view text, std::optional<std::uint16_t> default_port) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && end == std::string_view::npos) return std::nullopt;
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? std::string_view{} : text.substr(bracketed ? end + 1 : end);
  if (host.empty() || host.size() > 253 ||
      !std::all_of(host.begin(), host.end(), bracketed ? is_ipv6_character : is_host_character))
    return std::nullopt;
  if (rest.empty()) {
    if (!default_port) return std::nullopt;
    return HostPort{std::string(host), *default_port};
  }
  if (!rest.starts_with(':')) return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<std::uint16_t> port = parse_port(rest);
  if (!port) return std::nullopt;
  return HostPort{std::string(host), *port};
}

}  // namespace

Result<HostPort> parse_address(std::string_view text) {
  std::optional<HostPort> found = split(text, std::nullopt);
  if (!found) return invalid(text, "an address such as 0.0.0.0:8443");
  return *std::move(found);
}

Result<HostPort> parse_https_url(std::string_view url) {
  if (!url.starts_with(kScheme)) return invalid(url, "a URL such as https://hq.example.org:8443");
  std::string_view authority = url.substr(kScheme.size());
  if (authority.ends_with('/')) authority.remove_suffix(1);
  std::optional<HostPort> found = split(authority, kHttpsPort);
  if (!found || found->port == 0) return invalid(url, "a URL such as https://hq.example.org:8443");
  return *std::move(found);
}

}  // namespace omrsync::http
