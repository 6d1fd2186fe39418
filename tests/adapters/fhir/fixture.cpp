#include "tests/adapters/fhir/fixture.h"

#include "tests/support/openmrs_shape.h"

namespace omrsync::openmrs {

std::shared_ptr<const Model> fixture_model() {
  static const auto model = std::make_shared<const Model>(std::move(compile_model(tests::openmrs_schema())).value());
  return model;
}

std::unique_ptr<FhirCodec> fixture_codec(const std::string& timezone) {
  return std::move(FhirCodec::create(fixture_model(), SiteSettings{timezone})).value();
}

std::unique_ptr<FhirCodec> ignorant_codec(const std::string& timezone) {
  return std::move(FhirCodec::create(nullptr, SiteSettings{timezone})).value();
}

}  // namespace omrsync::openmrs
