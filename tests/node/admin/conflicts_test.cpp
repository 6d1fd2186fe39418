#include "node/admin/conflicts.h"

#include "node/admin/audit.h"
#include "protocol/cells.h"
#include "tests/node/admin/sample_store.h"

namespace omrsync::admin {
namespace {

const RootKey kRoot{"person", "aaaaaaaa-0000-0000-0000-000000000001"};

/// Two sites gave one patient two genders; the child's stands in the database.
void put_conflict(SampleStore& sample, const std::string& id, bool open = true) {
  sample.write([&](ports::StoreTransaction& tx) {
    node::ConflictRecord record;
    record.id = id;
    record.kind = "field";
    record.root = kRoot;
    record.group = "gender";
    record.opened_ms = 1'700'000'000'000;
    record.open = open;
    record.other_ids = {"ffff" + id};
    REQUIRE(node::put_record(tx, node::tables::kConflicts, id, record));
    node::LedgerRow row;
    node::LedgerGroup group;
    Sibling mine{{sample.self, 5}, "author-1", {1'700'000'000'000, 0, true}, encode_cells({{"gender", "M"}})};
    Sibling theirs{{sample.child, 6}, "author-2", {1'700'000'001'000, 0, true}, std::nullopt};
    group.group = {{mine, theirs}, theirs.dot};
    group.standing = theirs.dot;
    row.groups["gender"] = group;
    row.hashes["gender"] = 42;
    REQUIRE(node::put_ledger_row(tx, kRoot, row));
  });
}

}  // namespace

TEST_CASE("a conflict is listed with its sides and without their values") {
  SampleStore sample;
  put_conflict(sample, "00aa");
  std::vector<Conflict> found;
  const auto tx = sample.read();

  REQUIRE(list_conflicts(*tx, {"open", {}, {}, {}, {}}, [&](const Conflict& conflict) { found.push_back(conflict); }));

  REQUIRE(found.size() == 1);
  const Json json = to_json(found[0], false);
  CHECK(json.text_of("type") == "Patient");
  CHECK(json.text_of("group") == "gender");
  CHECK(json.find("decision")->is_null());
  const Json::Array& sides = *json.find("sides")->array();
  REQUIRE(sides.size() == 2);
  CHECK(sides[0].text_of("site") == "hq");
  CHECK(sides[1].text_of("site") == "kitale");
  CHECK(sides[0].text_of("value") != sides[1].text_of("value"));
  CHECK(*json.find("provisional") == *sides[1].find("value"));
  CHECK(to_string(json).find("\"M\"") == std::string::npos);
}

TEST_CASE("revealing shows the values that the node keeps, and is written down") {
  SampleStore sample;
  put_conflict(sample, "00aa");
  const auto conflict = show_conflict(*sample.read(), "00aa").value();

  REQUIRE(note_revealed(sample.store, conflict, 1));

  CHECK(to_json(conflict, true).find("sides")->array()->front().find("value")->text_of("gender") == "M");
  CHECK(verify_audit(*sample.read())->records == 1);
}

TEST_CASE("a conflict answers to its other names and to the beginning of them") {
  SampleStore sample;
  put_conflict(sample, "00aa");
  put_conflict(sample, "00bb", false);
  const auto tx = sample.read();

  CHECK(show_conflict(*tx, "ffff00aa")->record.id == "00aa");
  CHECK(show_conflict(*tx, "00b")->record.id == "00bb");
  CHECK(show_conflict(*tx, "00").error().code == Code::usage);
  CHECK(show_conflict(*tx, "11").error().code == Code::not_found);
}

TEST_CASE("open and decided are told apart") {
  SampleStore sample;
  put_conflict(sample, "00aa");
  put_conflict(sample, "00bb", false);
  const auto count = [&](const std::optional<std::string>& state) {
    int found = 0;
    const auto tx = sample.read();
    REQUIRE(list_conflicts(*tx, {state, {}, {}, {}, {}}, [&](const Conflict&) { ++found; }));
    return found;
  };

  CHECK(count("open") == 1);
  CHECK(count("decided") == 1);
  CHECK(count(std::nullopt) == 2);
  CHECK(check(ConflictFilter{"maybe", {}, {}, {}, {}}).error().code == Code::usage);
}

TEST_CASE("a changed audit record is found, and the first bad one is named") {
  SampleStore sample;
  sample.write([&](ports::StoreTransaction& tx) {
    for (const char* record : {R"({"act":"a"})", R"({"act":"b"})", R"({"act":"c"})"})
      REQUIRE(node::append_audit(tx, record));
  });
  CHECK_FALSE(verify_audit(*sample.read())->first_bad);

  sample.write([&](ports::StoreTransaction& tx) {
    auto row = *tx.get(node::tables::kAudit, node::tables::number_key(2)).value();
    row.back() = ' ';
    REQUIRE(tx.put(node::tables::kAudit, node::tables::number_key(2), row));
  });

  CHECK(verify_audit(*sample.read())->first_bad == 2);
}

TEST_CASE("a cut audit chain is found") {
  SampleStore sample;
  sample.write([&](ports::StoreTransaction& tx) {
    for (int i = 0; i < 3; ++i) REQUIRE(node::append_audit(tx, R"({"act":"a"})"));
    REQUIRE(tx.erase(node::tables::kAudit, node::tables::number_key(3), ""));
  });
  CHECK(verify_audit(*sample.read())->first_bad == 3);
}

}  // namespace omrsync::admin
