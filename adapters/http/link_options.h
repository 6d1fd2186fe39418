#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "adapters/http/progress_watch.h"
#include "protocol/result.h"

namespace omrsync::http {

/// Bytes a second; 0: as fast as the line is.
struct Rates {
  std::uint64_t up = 0;
  std::uint64_t down = 0;
};

/// What either client needs to reach a parent. The three files come from the node's card.
struct LinkOptions {
  std::string url;                ///< "https://hq.example.org:8443"
  std::filesystem::path ca_file;  ///< the parent's own authority; nobody else is trusted
  std::filesystem::path certificate_file;
  std::filesystem::path key_file;  ///< 0600
  std::string proxy;               ///< "http://proxy:3128", for CONNECT; empty: none, whatever the environment says
  Patience patience;
  std::uint64_t most_answer_bytes = 64 * 1024 * 1024;
  Rates rates;  ///< libcurl's link only
  /// libcurl's link only: what the SHA-256 of the parent's authority begins with. Then the three files are not used:
  /// this node is about to get them.
  std::string authority_pin{};
};

/// The URL without a trailing '/', if everything that can be wrong on this machine is right: the form of the URL, the
/// files, the key's mode. Errors name the file or the setting.
[[nodiscard]] Result<std::string> checked_base_url(const LinkOptions& options);

/// The longest pause that the other side can ask for.
inline constexpr std::chrono::seconds kLongestRetryAfter = std::chrono::hours(24);

}  // namespace omrsync::http
