#pragma once

#include "adapters/ports/openmrs.h"

namespace omrsync::memory {

/// Bodies as a flat map of groups, for tests that are not about FHIR.
class FlatCodec final : public ports::BodyCodec {
 public:
  Status encode(const RootKey& root, const std::map<GroupName, GroupValue>& groups, std::string& out) const override;
  Result<std::map<GroupName, GroupValue>> decode(const RootKey& root, std::string_view resource) const override;
};

}  // namespace omrsync::memory
