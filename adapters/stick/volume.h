#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/stick/age.h"
#include "adapters/stick/disk.h"
#include "protocol/digest.h"
#include "protocol/result.h"

/// A volume: one age file of (varint length, item)*. Items are what protocol/stick.h says.
namespace omrsync::stick {

/// What the manifest says of a volume. `first` and `last`: link numbers in it; 0: none.
struct VolumeEntry {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;  ///< lower-case hex, of the file
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// The n-th volume's file name, counted from 1.
[[nodiscard]] std::string volume_name(std::size_t number);

class VolumeWriter {
 public:
  [[nodiscard]] static Result<std::unique_ptr<VolumeWriter>> create(const std::filesystem::path& path,
                                                                    const std::string& recipient);

  /// `first` and `last`: the link numbers in the item, or 0.
  Status add(std::string_view item, std::uint64_t first, std::uint64_t last);

  /// About how long the file is by now.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return entry_.bytes; }
  [[nodiscard]] bool empty() const noexcept { return items_ == 0; }

  /// The file is whole and on the medium. Once.
  Result<VolumeEntry> finish();

 private:
  explicit VolumeWriter(OutFile file) : file_(std::move(file)) {}
  Status put(std::string_view bytes);

  OutFile file_;
  Sha256 digest_;
  VolumeEntry entry_;
  std::size_t items_ = 0;
  std::unique_ptr<AgeWriter> age_;
};

/// How many bytes of files were read since the last call.
using Progress = std::function<void(std::uint64_t bytes)>;

/// Size and hash are what the manifest says: `usb_volume_missing`, `usb_volume_damaged` (which names the volume).
Status check_volume(const std::filesystem::path& folder, const VolumeEntry& entry, const Progress& progress);

/// Hands out the items in order. One that is longer than any item can be, or a volume that ends within one:
/// `usb_volume_damaged`. `visit` may fail; its error ends the reading.
Status read_volume(const std::filesystem::path& path, const AgeKey& key, const Progress& progress,
                   const std::function<Status(std::string_view item)>& visit);

}  // namespace omrsync::stick
