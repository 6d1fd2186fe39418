#include "node/app/identity.h"

#include "adapters/system/clock.h"

namespace omrsync::app {

Uuid random_uuid() {
  system::Entropy entropy;
  Uuid uuid;
  for (std::uint8_t& byte : uuid.bytes) byte = static_cast<std::uint8_t>(entropy.next());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | 0x40);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
  return uuid;
}

}  // namespace omrsync::app
