#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/app/config.h"
#include "protocol/json.h"
#include "protocol/result.h"

/// The stick: packages of frozen batches and receipts, carried by hand. What is in them and what arrives by line are
/// the same numbers, so any mixture, order and repetition of both is harmless. Works beside a running daemon.
namespace omrsync::app {

/// How far a long act has come. `of` 0: not known.
struct UsbProgress {
  std::string_view doing;  ///< "freezing", "writing", "checking", "reading"
  std::string_view unit;   ///< "change sets", "bytes"
  std::uint64_t done = 0;
  std::uint64_t of = 0;
};
using UsbTold = std::function<void(const UsbProgress&)>;

inline constexpr std::uint64_t kVolumeSize = 1ULL << 30U;
inline constexpr std::uint64_t kVolumeSizeLeast = 64ULL << 10U;
inline constexpr std::uint64_t kVolumeSizeMost = 4'294'967'295;  ///< of a file on FAT32

struct ExportRequest {
  std::filesystem::path folder;
  std::optional<std::string> to;      ///< a child's name or id; none: the parent, or the only child
  std::optional<std::uint64_t> from;  ///< link number: what is before it is on another stick
  std::uint64_t volume_size = kVolumeSize;
  bool resume = false;
  bool verbose = false;
};

/// What a command of the stick did: one object of omrsync/usb/1 a package.
struct UsbAnswer {
  std::vector<Json> packages;
  std::optional<Error> failure;  ///< why it did not come to its end; the objects say what was done all the same
};

/// Freezes what waits for the other end and writes all that it has not confirmed as one package, signed, verified by
/// reading it back. A full stick: as much as fits, and `next` says where another one goes on. Failures: not_found (no
/// such folder or node), usage, usb_peer_unknown, disk_full, usb_medium_failed, and those of the database.
[[nodiscard]] Result<UsbAnswer> usb_export(const Config& config, const ExportRequest& request, const UsbTold& tell);

/// Takes every package for this node, each whole or not at all; it is applied by the daemon. Again: nothing happens.
[[nodiscard]] Result<UsbAnswer> usb_import(const Config& config, const std::filesystem::path& folder,
                                           const UsbTold& tell);

/// Reads all of it as `usb_import` would, and takes nothing. What this node wrote itself is whole when its files are.
[[nodiscard]] Result<UsbAnswer> usb_verify(const Config& config, const std::filesystem::path& folder,
                                           const UsbTold& tell);

/// What the packages say of themselves. Needs no key.
[[nodiscard]] Result<UsbAnswer> usb_inspect(const std::filesystem::path& folder);

/// What every link has written and read by stick, and what it waits for.
[[nodiscard]] Result<std::vector<Json>> usb_status(const Config& config);

}  // namespace omrsync::app
