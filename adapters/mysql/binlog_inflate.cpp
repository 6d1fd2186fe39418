#include <zlib.h>

#include "adapters/mysql/binlog_bytes.h"
#include "adapters/mysql/binlog_parser.h"

namespace omrsync::mysql {

std::optional<std::string> inflate_log(std::string_view compressed) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 30;  // max_allowed_packet cannot be set higher
  constexpr std::uint64_t kBestRatio = 1100;               // no deflate stream does better
  Bytes in(compressed);
  const std::uint64_t header = in.little(1);
  const std::uint64_t size = in.big(static_cast<unsigned>(header & 7) <= 4 ? static_cast<unsigned>(header & 7) : 0);
  if (!in.ok() || (header & 0xF0) != 0x80 || size == 0 || size > kMost || size > kBestRatio * (in.left() + 1))
    return std::nullopt;
  std::string plain(size, '\0');
  uLongf made = size;
  const auto* from = reinterpret_cast<const Bytef*>(in.rest().data());
  if (uncompress(reinterpret_cast<Bytef*>(plain.data()), &made, from, in.left()) != Z_OK || made != size)
    return std::nullopt;
  return plain;
}

std::uint32_t log_crc(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace omrsync::mysql
