#pragma once

#include <string>
#include <string_view>

namespace omrsync::openmrs {

/// What is wrong with a resource by the rules of FHIR R4's JSON: strictness, types of value[x] by regular expression,
/// ids and references; empty: nothing.
[[nodiscard]] std::string faults_of(std::string_view resource);

}  // namespace omrsync::openmrs
