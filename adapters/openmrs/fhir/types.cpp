#include "adapters/openmrs/fhir/types.h"

#include <array>

#include "adapters/openmrs/fhir/primitives.h"

namespace omrsync::openmrs::fhir {
namespace {

std::array<const Type*, 7> all_types() noexcept {
  return {&observation_type(),  &encounter_type(), &visit_type(), &location_type(),
          &practitioner_type(), &patient_type(),   &person_type()};
}

}  // namespace

const Type* choose_type(const ElementWriter& writer) {
  for (const Type* type : all_types()) {
    if (type->table != writer.root().table) continue;
    if (!type->needs_row.empty() && writer.once(type->needs_row) == nullptr) continue;
    if (type->required.empty()) return type;
    const SourceCell* cell = writer.source.take(writer.root(), type->required);
    return cell != nullptr && is_fhir_code(cell->text) ? type : nullptr;
  }
  return nullptr;
}

const Type* find_type(std::string_view name, std::string_view table) noexcept {
  for (const Type* type : all_types())
    if (type->name == name && type->table == table) return type;
  return nullptr;
}

}  // namespace omrsync::openmrs::fhir
