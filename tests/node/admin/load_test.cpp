#include "node/admin/load.h"

#include "node/lives/life.h"
#include "tests/node/admin/sample_store.h"
#include "tests/support/catch.h"

namespace omrsync::admin {

TEST_CASE("load status tells of a database that went back until all of it was compared") {
  SampleStore sample;
  CHECK(load_status(*sample.read())->empty());
  sample.write([](ports::StoreTransaction& tx) {
    REQUIRE(node::put_record(tx, node::tables::kMeta, "new_life", node::NewLife{}));
  });
  const auto views = load_status(*sample.read());
  REQUIRE(views);
  REQUIRE(views->size() == 1);
  CHECK(to_json(views->front()).text_of("kind") == "reconcile");
  CHECK_FALSE(views->front().done);
}

}  // namespace omrsync::admin
