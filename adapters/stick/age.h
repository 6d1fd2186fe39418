#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

/// Files in the format of age (age-encryption.org/v1) with X25519 recipients: what is written here the `age` tool
/// opens, and the other way round. Both ways stream: a chunk of 64 KiB is held at a time.
namespace omrsync::stick {

/// A node's key for packages, as the `age` tool writes it.
struct AgeKey {
  std::string secret;     ///< "AGE-SECRET-KEY-1...": a secret
  std::string recipient;  ///< "age1...": for everybody who sends to it
};
[[nodiscard]] Result<AgeKey> new_age_key();

/// The key of a secret read from a file; lines that begin with # are comments. `config_invalid`: there is none.
[[nodiscard]] Result<AgeKey> read_age_key(std::string_view text);

[[nodiscard]] bool is_recipient(std::string_view text);

/// Takes the bytes of a file as they come.
using Sink = std::function<Status(std::string_view bytes)>;

class AgeWriter {
 public:
  /// Writes the header. `config_invalid`: one of `recipients` is none, or there is none.
  [[nodiscard]] static Result<AgeWriter> begin(const std::vector<std::string>& recipients, Sink sink);

  Status write(std::string_view bytes);

  /// The end of the file: without it a reader finds it truncated. Once.
  Status finish();

 private:
  AgeWriter(std::string key, Sink sink) : key_(std::move(key)), sink_(std::move(sink)) {}
  Status put_chunk(std::string_view chunk, bool last);

  std::string key_;
  Sink sink_;
  std::string waiting_;
  std::uint64_t chunks_ = 0;
};

/// The next bytes of a file, at most `most`; fewer only at its end.
using Source = std::function<Result<std::string>(std::size_t most)>;

class AgeReader {
 public:
  /// Reads the header. Failures (`set_aside`): usb_not_for_us where no recipient is `key`; usb_volume_damaged.
  [[nodiscard]] static Result<AgeReader> open(const AgeKey& key, Source source);

  /// The next plain bytes, every one authenticated; empty: the end, and the file is whole. `usb_volume_damaged` else.
  [[nodiscard]] Result<std::string> next();

 private:
  AgeReader(std::string key, Source source) : key_(std::move(key)), source_(std::move(source)) {}

  std::string key_;
  Source source_;
  std::string ahead_;  ///< read and not unsealed yet
  std::uint64_t chunks_ = 0;
  bool ended_ = false;
};

}  // namespace omrsync::stick
