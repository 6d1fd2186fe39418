#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace omrsync::openmrs::fhir {

/// The offsets of one time zone, looked up by its own wall clock. Read-only after loading, shared by all threads.
class Zone {
 public:
  /// `name`: of the IANA data base. config_invalid when there is no such zone.
  static Result<Zone> load(const std::string& name);

  /// "+03:00", in force at the wall clock given as seconds since 1970. In the hour that is there twice the later of
  /// both; in the one that is skipped the earlier. Empty where FHIR has no text for the offset.
  [[nodiscard]] std::string_view offset_at(std::int64_t wall_clock) const noexcept;

  /// "2026-05-04T08:15:30.123+03:00" for milliseconds since 1970 UTC.
  [[nodiscard]] std::string instant(std::int64_t at_ms) const;

 private:
  struct Period {
    std::int64_t from;  ///< by the wall clock
    std::int64_t from_utc;
    std::int64_t offset;  ///< seconds
    char text[7];
  };
  std::vector<Period> periods_;
};

}  // namespace omrsync::openmrs::fhir
