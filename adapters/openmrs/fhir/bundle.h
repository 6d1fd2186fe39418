#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "adapters/openmrs/fhir/facts.h"
#include "adapters/openmrs/fhir/zone.h"
#include "protocol/ids.h"
#include "protocol/state.h"

namespace omrsync::openmrs::fhir {

/// One root of a change set that is to be printed.
struct PrintedEntry {
  RootKey root;
  std::string_view resource;  ///< as the codec encodes it; ignored where purged
  bool purged = false;
};

struct PrintedSet {
  Uuid node;                ///< where the change was made
  std::uint32_t epoch = 0;  ///< that node's incarnation, by its counter
  std::uint64_t sequence = 0;
  std::string_view site;         ///< the site's name in the configuration
  std::int64_t captured_ms = 0;  ///< milliseconds since 1970 UTC
  std::int64_t edited_ms = 0;    ///< 0: not known
  std::string_view author;       ///< users.uuid; may be empty
  std::string_view location;     ///< location.uuid; may be empty
};

/// A change set as a transaction Bundle (W-1 to W-11) on one line: PUT for what was written, DELETE for what was
/// purged, meta.source and the site's tag on every resource, one Provenance. Times in `zone`. For printing: between
/// nodes the envelope says all that. A resource that is no JSON object is left out. Callers have FhirCodec::bundle.
[[nodiscard]] std::string bundle_json(const PrintedSet& set, std::span<const PrintedEntry> entries, const Facts& facts,
                                      const Zone& zone);

}  // namespace omrsync::openmrs::fhir
