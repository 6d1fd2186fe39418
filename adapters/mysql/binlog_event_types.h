#pragma once

#include <cstdint>

#include "adapters/mysql/row_decoder.h"

namespace omrsync::mysql {

/// The log's event types, as far as they are told apart.
enum EventType : std::uint8_t {
  kQuery = 2,
  kStop = 3,
  kRotate = 4,
  kFormatDescription = 15,
  kXid = 16,
  kExecuteLoad = 18,
  kTableMap = 19,
  kIncident = 26,
  kHeartbeat = 27,
  kMysqlGtid = 33,
  kAnonymousGtid = 34,
  kXaPrepare = 38,
  kMysqlPayload = 40,  ///< a whole transaction, compressed by MySQL
  kMariadbGtid = 162,
  kMariadbGtidList = 163,
  kQueryCompressed = 165,
};

inline constexpr std::uint16_t kFlagArtificial = 0x20;
inline constexpr std::uint16_t kFlagIgnorable = 0x80;

/// WRITE, UPDATE, DELETE in this order: 23 to 25 and 30 to 32 plain, 166 to 168 and 169 to 171 compressed; the second
/// of each pair of rows carries extra data.
[[nodiscard]] constexpr bool is_rows_event(std::uint8_t type) {
  return (type >= 23 && type <= 25) || (type >= 30 && type <= 32) || (type >= 166 && type <= 171);
}
[[nodiscard]] constexpr bool is_compressed_rows(std::uint8_t type) { return type >= 166; }
[[nodiscard]] constexpr bool has_extra_data(std::uint8_t type) {
  return (type >= 30 && type <= 32) || (type >= 169 && type <= 171);
}
[[nodiscard]] constexpr RowsKind kind_of_rows(std::uint8_t type) {
  const int first = type < 30 ? 23 : type < 166 ? 30 : type < 169 ? 166 : 169;
  return static_cast<RowsKind>(type - first);
}

/// Events that change nothing: variables of statements, comments, bookkeeping of the server. A partial update (39) or
/// an event yet to be invented is not among them.
[[nodiscard]] constexpr bool is_harmless_event(std::uint8_t type) {
  switch (type) {
    case 3:
    case 5:
    case 9:
    case 11:
    case 13:
    case 14:
    case 17:
    case 28:
    case 29:
    case 35:
    case 36:
    case 37:
    case 160:
    case 161:
    case 164:
      return true;
    default:
      return false;
  }
}

}  // namespace omrsync::mysql
