// What only the twin has: planned faults, restores, stale forms.
#include <vector>

#include "adapters/memory/openmrs_codec.h"
#include "tests/adapters/memory/openmrs_worlds.h"
#include "tests/support/catch.h"

using namespace omrsync;
using namespace omrsync::test;
using memory::Clinician;
using memory::OpenmrsTwin;

namespace {

constexpr std::chrono::milliseconds kNow{0};

struct Clinic {
  memory::ManualClock clock;
  OpenmrsTwin twin{memory::twin_schema(), 7, clock};
  Clinician nurse{twin, "nurse"};
  RootKey person{"person", "00000000-0000-4000-8000-000000000001"};

  Clinic() {
    must(nurse.write_now(person, {{"life", encode_cells({{"voided", "0"}})},
                                  {"gender", encode_cells({{"gender", "M"}})},
                                  {"birthdate", encode_cells({{"birthdate", "1990-01-01"}})},
                                  {"person_name/n1", encode_cells({{"given_name", "Grace"}})}}));
  }

  [[nodiscard]] std::string cell(const GroupName& group, std::string_view column) const {
    const auto row = twin.find(person);
    return std::string(find_cell(row->groups.at(group), column).value_or("(none)"));
  }

  Status put(const GroupName& group, const GroupValue& value, const std::string& key) {
    const auto unit = must(twin.begin());
    OMRSYNC_TRY(fresh, unit->mark(key));
    (void)fresh;
    OMRSYNC_TRY(held, unit->lock_read(std::span(&person, 1)));
    const std::vector<ports::RootWrite> writes{{person, {{group, value}}, false}};
    OMRSYNC_TRY(outcome, unit->put(writes));
    return unit->commit("p");
  }
};

const GroupValue k1985 = encode_cells({{"birthdate", "1985-05-05"}});

}  // namespace

TEST_CASE("R21: a stale form brings back every column of its row, and of no other row") {
  Clinic clinic;
  auto form = clinic.nurse.open(clinic.person);
  must(clinic.put("birthdate", k1985, "set 1"));
  must(clinic.put("person_name/n1", encode_cells({{"given_name", "Ada"}}), "set 2"));
  form->edited["gender"] = encode_cells({{"gender", "F"}});
  must(clinic.nurse.save_now(*form));
  CHECK(clinic.cell("gender", "gender") == "F");
  CHECK(clinic.cell("birthdate", "birthdate") == "1990-01-01");
  CHECK(clinic.cell("person_name/n1", "given_name") == "Ada");
}

TEST_CASE("a clinician's reads keep to the start of the transaction, writes go to the row as it is") {
  Clinic clinic;
  clinic.nurse.begin();
  must(clinic.put("birthdate", k1985, "set 1"));
  CHECK(find_cell(clinic.nurse.open(clinic.person)->read.at("birthdate"), "birthdate") == "1990-01-01");
  must(clinic.nurse.write(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  must(clinic.nurse.commit());
  CHECK(clinic.cell("birthdate", "birthdate") == "1985-05-05");
}

TEST_CASE("a clinician waits for a row that the node holds, and can go on afterwards") {
  Clinic clinic;
  auto unit = must(clinic.twin.begin());
  must(unit->lock_read(std::span(&clinic.person, 1)));
  clinic.nurse.begin();
  const auto waits = clinic.nurse.write(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}});
  REQUIRE_FALSE(waits.has_value());
  CHECK(waits.error().code == Code::db_lock_busy);
  unit.reset();
  must(clinic.nurse.write(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  must(clinic.nurse.commit());
  CHECK(clinic.cell("gender", "gender") == "F");
}

TEST_CASE("a commit in doubt may have happened or not") {
  Clinic clinic;
  for (const auto fault : {memory::CommitFault::done_but_unknown, memory::CommitFault::lost_and_unknown}) {
    clinic.twin.commit_fault = [&] { return fault; };
    const bool done = fault == memory::CommitFault::done_but_unknown;
    const std::string key = done ? "a" : "b";
    const auto status = clinic.put("birthdate", encode_cells({{"birthdate", key}}), key);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().remedy == Remedy::look_first);
    CHECK((clinic.cell("birthdate", "birthdate") == key) == done);
    CHECK((must(clinic.twin.markers()) == std::vector<std::string>{"a"}) == true);
  }
}

TEST_CASE("a large transaction comes in pieces that can be entered at each") {
  Clinic clinic;
  clinic.twin.piece_roots = 2;
  auto source = clinic.twin.changes();
  must(source->open(std::nullopt));
  clinic.nurse.begin();
  for (int i = 0; i < 5; ++i)
    must(clinic.nurse.write({"person", "p" + std::to_string(i)}, {{"gender", encode_cells({{"gender", "F"}})}}));
  must(clinic.nurse.commit());
  std::vector<ports::LogPiece> pieces;
  while (auto piece = must(source->next(kNow))) pieces.push_back(*std::move(piece));
  REQUIRE(pieces.size() == 3);
  CHECK_FALSE(pieces[1].ends_transaction);
  CHECK(pieces[2].ends_transaction);
  for (std::size_t i = 0; i < 3; ++i) {
    auto again = clinic.twin.changes();
    must(again->open(pieces[i].position));
    std::size_t roots = 0;
    while (auto piece = must(again->next(kNow))) roots += piece->roots.size();
    CHECK(roots == (i == 0 ? 3u : i == 1 ? 1u : 0u));
  }
}

TEST_CASE("R39: after files are put back the old position is foreign, though its place exists again") {
  Clinic clinic;
  const auto monday = clinic.twin.backup();
  must(clinic.nurse.write_now(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  const auto friday = must(clinic.twin.log_end());
  clinic.twin.restore_files(monday);
  CHECK(clinic.cell("gender", "gender") == "M");
  must(clinic.nurse.write_now(clinic.person, {{"gender", encode_cells({{"gender", "U"}})}}));
  CHECK(must(clinic.twin.log_end()) == friday);
  auto source = clinic.twin.changes();
  const auto refused = source->open(friday);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::capture_position_foreign);
}

TEST_CASE("a reader notices under way that files were put back") {
  Clinic clinic;
  const auto monday = clinic.twin.backup();
  must(clinic.nurse.write_now(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  auto source = clinic.twin.changes();
  must(source->open(std::nullopt));
  clinic.twin.restore_files(monday);
  CHECK(source->next(kNow).error().code == Code::capture_position_foreign);
}

TEST_CASE("a dump over the database shows itself in the log") {
  Clinic clinic;
  auto source = clinic.twin.changes();
  must(source->open(std::nullopt));
  const auto monday = clinic.twin.backup();
  must(clinic.nurse.write_now(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  clinic.twin.restore_dump(monday);
  CHECK(must(source->next(kNow)).has_value());
  CHECK(source->next(kNow).error().code == Code::capture_position_foreign);
  CHECK(clinic.cell("gender", "gender") == "M");
}

TEST_CASE("R40: a purged log refuses positions before its start") {
  Clinic clinic;
  const auto before = must(clinic.twin.log_end());
  must(clinic.nurse.write_now(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  clinic.twin.purge_log();
  auto source = clinic.twin.changes();
  CHECK(source->open(before).error().code == Code::capture_log_purged);
  must(source->open(must(clinic.twin.log_end())));
}

TEST_CASE("what no log shows changes the row and nothing else") {
  Clinic clinic;
  auto source = clinic.twin.changes();
  must(source->open(std::nullopt));
  clinic.twin.write_unlogged({clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}, false});
  CHECK_FALSE(must(source->next(kNow)).has_value());
  CHECK(clinic.cell("gender", "gender") == "F");
  clinic.twin.log_unlogged({"person"});
  CHECK(must(source->next(kNow))->unlogged_tables == std::vector<std::string>{"person"});
}

TEST_CASE("R24: a site's trigger and a clipped column show themselves in our own transaction") {
  Clinic clinic;
  auto source = clinic.twin.changes();
  must(source->open(std::nullopt));
  clinic.twin.trigger = [&](const RootKey& root) {
    return std::vector<ports::RootWrite>{{root, {{"changed", encode_cells({{"by", "trigger"}})}}, false}};
  };
  clinic.twin.clip = [](const RootKey&, const GroupName&, GroupValue) { return encode_cells({{"birthdate", "19"}}); };
  must(clinic.put("birthdate", k1985, "set 1"));
  const auto piece = must(source->next(kNow));
  REQUIRE(piece->roots.size() == 1);
  REQUIRE(piece->roots[0].groups.size() == 2);
  CHECK(piece->roots[0].groups[0].group == "birthdate");
  CHECK(piece->roots[0].groups[0].after != clinic.twin.hash(k1985));
  CHECK(piece->roots[0].groups[1].group == "changed");
}

TEST_CASE("somebody may act before each call, and each call may fail") {
  Clinic clinic;
  bool acted = false;
  clinic.twin.before_call = [&](memory::TwinCall call) {
    if (call != memory::TwinCall::lock_read || acted) return;
    acted = true;
    must(clinic.nurse.write_now(clinic.person, {{"gender", encode_cells({{"gender", "F"}})}}));
  };
  must(clinic.put("birthdate", k1985, "set 1"));
  CHECK(clinic.cell("gender", "gender") == "F");
  clinic.twin.fault = [](memory::TwinCall call) -> std::optional<Error> {
    if (call != memory::TwinCall::put) return std::nullopt;
    return Error{Remedy::reconnect, Code::db_connection_lost, "gone"};
  };
  CHECK(clinic.put("birthdate", encode_cells({}), "set 2").error().code == Code::db_connection_lost);
  CHECK(clinic.cell("birthdate", "birthdate") == "1985-05-05");
}

TEST_CASE("a cycle of columns that may be NULL goes in, one of columns that may not does not") {
  Clinic clinic;
  const RootKey user{"users", "u"}, owner{"person", "q"};
  const std::vector<ports::RootWrite> writes{
      {user, {{"life", ""}, {"row", encode_cells({{"person_id", "q"}})}}, false},
      {owner, {{"life", ""}, {"changed", encode_cells({{"creator", "u"}})}}, false}};
  const auto unit = must(clinic.twin.begin());
  CHECK(must(unit->put(writes)).problems.empty());
  must(unit->commit(""));
  CHECK(clinic.twin.find(user) != nullptr);

  auto schema = memory::twin_schema();
  for (auto& table : schema)
    for (auto& reference : table.references) reference.nullable = false;
  OpenmrsTwin strict(schema, 7, clinic.clock);
  CHECK(must(must(strict.begin())->put(writes)).problems.size() == 2);
}

TEST_CASE("a unique name taken by another row is a problem of its own") {
  Clinic clinic;
  const GroupValue hall = encode_cells({{"name", "Hall"}});
  must(clinic.nurse.write_now({"location", "a"}, {{"name", hall}}));
  const std::vector<ports::RootWrite> writes{{{"location", "b"}, {{"life", ""}, {"name", hall}}, false}};
  const auto outcome = must(must(clinic.twin.begin())->put(writes));
  REQUIRE(outcome.problems.size() == 1);
  CHECK(outcome.problems[0].code == Code::apply_name_taken);
}

TEST_CASE("a flat body comes back as it was, and nothing else is taken for one") {
  const memory::FlatCodec codec;
  const RootKey root{"person", "p"};
  const std::map<GroupName, GroupValue> groups{{"life", ""}, {"gender", encode_cells({{"gender", "F"}})}};
  std::string bytes;
  must(codec.encode(root, groups, bytes));
  CHECK(must(codec.decode(root, bytes)) == groups);
  CHECK_FALSE(codec.decode({"person", "q"}, bytes).has_value());
  CHECK_FALSE(codec.decode(root, bytes + "x").has_value());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    CHECK_FALSE(codec.decode(root, bytes.substr(0, cut)).has_value());
}
