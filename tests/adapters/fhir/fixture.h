#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adapters/openmrs/fhir/codec.h"
#include "adapters/openmrs/model.h"

namespace omrsync::openmrs {

/// OpenMRS 2.7.
[[nodiscard]] std::shared_ptr<const Model> fixture_model();

/// A codec over it, in a zone with daylight saving unless told otherwise.
[[nodiscard]] std::unique_ptr<FhirCodec> fixture_codec(const std::string& timezone = "Europe/Berlin");

/// The codec of a node without OpenMRS.
[[nodiscard]] std::unique_ptr<FhirCodec> ignorant_codec(const std::string& timezone = "Africa/Kampala");

}  // namespace omrsync::openmrs
