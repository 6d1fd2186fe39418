#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/model.h"

namespace omrsync::tests {

/// The shape of an OpenMRS 2.7 database (adapters/openmrs/shape.h).
[[nodiscard]] openmrs::Schema openmrs_schema();

/// A shape as text. Throws std::runtime_error where it is not understood.
[[nodiscard]] openmrs::Schema parse_shape(std::string_view text);

/// Statements that make such a database, to be run in one session.
[[nodiscard]] std::vector<std::string> ddl_of(std::string_view shape_text);

}  // namespace omrsync::tests
