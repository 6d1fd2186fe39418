#include "adapters/memory/openmrs_rows.h"

namespace omrsync::memory {

std::vector<TwinTable> twin_schema() {
  using Class = ports::RootTable::Class;
  return {
      {{"location", Class::metadata}, {"name", "changed"}, {{"parent_location", "location", true}}, {"name"}},
      {{"users", Class::metadata}, {"row", "changed"}, {{"person_id", "person", false}}, {"username"}},
      {{"person", Class::clinical}, {"gender", "birthdate", "changed"}, {{"creator", "users", true}}, {}},
      {{"visit", Class::clinical}, {"row", "changed"}, {{"patient_id", "person", false}}, {}},
      {{"encounter", Class::clinical},
       {"row", "changed"},
       {{"patient_id", "person", false}, {"visit_id", "visit", true}, {"location_id", "location", true}},
       {}},
      {{"obs", Class::clinical},
       {"row", "changed"},
       {{"person_id", "person", false}, {"encounter_id", "encounter", true}, {"previous_version", "obs", true}},
       {}},
      {{"location_tag_map", Class::link}, {}, {{"location_id", "location", false}}, {}},
  };
}

}  // namespace omrsync::memory
