#pragma once

#include <map>
#include <string>

#include "adapters/openmrs/fhir/row_extension.h"

/// Roots without a FHIR type, and fragments that lack what their type requires, as Basic (W-13).
namespace omrsync::openmrs::fhir {

struct BasicHead {
  std::string_view id;
  std::string_view table;
};

void write_basic(JsonOut& json, const BasicHead& head, Source& source, const Zone& zone);

Status read_basic(JsonView resource, const RootKey& root, const Facts& facts, std::map<GroupName, GroupValue>& into);

}  // namespace omrsync::openmrs::fhir
