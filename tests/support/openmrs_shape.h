#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/openmrs/model.h"

namespace omrsync::tests {

/// The shape of an OpenMRS 2.7 database (tests/support/openmrs-2.7.shape): every table, column, key and reference.
[[nodiscard]] openmrs::Schema openmrs_schema();

/// A shape as that file writes it. Throws std::runtime_error where it is not understood.
[[nodiscard]] openmrs::Schema parse_shape(std::string_view text);

/// Statements that make such a database, to be run in one session.
[[nodiscard]] std::vector<std::string> ddl_of(std::string_view shape_text);

/// The text of that file.
[[nodiscard]] std::string openmrs_shape_text();

}  // namespace omrsync::tests
