#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "protocol/result.h"

/// Files on a medium that may be pulled out, full or broken. Links are never followed (U-5).
namespace omrsync::stick {

/// Owns a file descriptor.
class Handle {
 public:
  explicit Handle(int number) noexcept : number_(number) {}
  ~Handle();
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

class OutFile {
 public:
  /// A new file; one that is there is replaced.
  [[nodiscard]] static Result<OutFile> create(const std::filesystem::path& path);

  /// `disk_full` and `disk_read_only`; usb_medium_failed for everything else.
  Status write(std::string_view bytes);

  /// On the medium when it returns, and no longer in memory: who reads it back reads the medium.
  Status close();

 private:
  OutFile(Handle file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  Handle file_;
  std::filesystem::path path_;
};

class InFile {
 public:
  /// `usb_volume_missing`: there is no plain file of that name.
  [[nodiscard]] static Result<InFile> open(const std::filesystem::path& path);

  /// At most `most` bytes, fewer only at the end.
  Result<std::string> read(std::size_t most);

 private:
  InFile(Handle file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  Handle file_;
  std::filesystem::path path_;
};

/// A small file as a whole; `usb_altered` when it is larger than `most`.
[[nodiscard]] Result<std::string> read_small(const std::filesystem::path& path, std::size_t most);

[[nodiscard]] Status write_small(const std::filesystem::path& path, std::string_view bytes);

/// Names in the folder are on the medium.
[[nodiscard]] Status sync_folder(const std::filesystem::path& folder);

/// Renames within one folder, durably.
[[nodiscard]] Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace omrsync::stick
