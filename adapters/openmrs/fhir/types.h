#pragma once

#include <span>

#include "adapters/openmrs/fhir/elements.h"

/// The FHIR types that are declared so far, each in a file of its own.
namespace omrsync::openmrs::fhir {

[[nodiscard]] const Type& observation_type() noexcept;
[[nodiscard]] const Type& encounter_type() noexcept;
[[nodiscard]] const Type& visit_type() noexcept;
[[nodiscard]] const Type& location_type() noexcept;
[[nodiscard]] const Type& practitioner_type() noexcept;
[[nodiscard]] const Type& person_type() noexcept;
[[nodiscard]] const Type& patient_type() noexcept;

/// The type in which the root travels; null: as Basic, for want of a declared type or of what that type requires.
[[nodiscard]] const Type* choose_type(const ElementWriter& writer);

/// The declared type of that name for roots of that table.
[[nodiscard]] const Type* find_type(std::string_view name, std::string_view table) noexcept;

}  // namespace omrsync::openmrs::fhir
