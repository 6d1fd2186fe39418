#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/stick/volume.h"
#include "protocol/ids.h"
#include "protocol/json.h"

namespace omrsync::stick {

struct Party {
  Uuid id;
  std::string name;
};

/// manifest.json: what is in a package. Clear text, so nothing in it describes a patient (U-1).
struct Manifest {
  std::string package;  ///< uuid
  Party sender;
  Party recipient;
  std::string recipient_key;  ///< "age1..."
  std::string certificate;    ///< SHA-256 of sender.crt, hex
  std::uint64_t epoch = 0;    ///< the sender's incarnation
  std::uint64_t first = 0;    ///< link numbers; 0: only receipts
  std::uint64_t last = 0;
  std::string previous;         ///< SHA-256 of the manifest before it to this recipient, hex; empty: the first
  std::int64_t created_ms = 0;  ///< whole seconds
  std::string tool;
  std::vector<VolumeEntry> volumes;

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

[[nodiscard]] Json to_json(const Manifest& manifest);

/// `usb_altered`: this is no manifest; `usb_version_unknown`: a newer one.
[[nodiscard]] Result<Manifest> manifest_from(std::string_view text);

/// "omrs-sync-kitale-hq-e1-57-92": the folder of the package. Lower case letters, digits and '-', at most 60.
[[nodiscard]] std::string folder_name(const Manifest& manifest);

}  // namespace omrsync::stick
