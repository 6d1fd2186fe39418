#include "adapters/openmrs/rows.h"

#include <map>

#include "adapters/openmrs/fold.h"
#include "protocol/cells.h"
#include "tests/support/catch.h"
#include "tests/support/openmrs_shape.h"

using namespace omrsync;
using namespace omrsync::openmrs;

namespace {

class Book : public KeyBook {
 public:
  void knows(const std::string& table, const std::string& local, const std::string& key) {
    keys_[table + "/" + local] = key;
    locals_[table + "/" + key] = local;
  }
  void says(const std::string& table, const std::string& local, const std::string& column, const std::string& text) {
    texts_[table + "/" + local + "/" + column] = text;
  }
  std::optional<std::string_view> key_of(const TablePlan& target, std::string_view local) const override {
    return look(keys_, target.table->name + "/" + std::string(local));
  }
  std::optional<std::string_view> local_of(const TablePlan& target, std::string_view key) const override {
    return look(locals_, target.table->name + "/" + std::string(key));
  }
  std::optional<std::string_view> text_of(const TablePlan& table, std::string_view local,
                                          std::string_view column) const override {
    return look(texts_, table.table->name + "/" + std::string(local) + "/" + std::string(column));
  }

 private:
  using Map = std::map<std::string, std::string>;
  static std::optional<std::string_view> look(const Map& map, const std::string& name) {
    const auto found = map.find(name);
    if (found == map.end()) return std::nullopt;
    return found->second;
  }
  Map keys_, locals_, texts_;
};

struct Fixture {
  std::shared_ptr<const Model> model = std::make_shared<Model>(*compile_model(tests::openmrs_schema()));
  Plans plans{model};
  Book book;

  const TablePlan& plan(const std::string& table) const {
    REQUIRE(plans.find(table) != nullptr);
    return *plans.find(table);
  }

  std::vector<std::optional<std::string>> row(const std::string& table,
                                              const std::map<std::string, std::string>& texts) const {
    std::vector<std::optional<std::string>> cells(plan(table).columns.size());
    for (const auto& [name, text] : texts) {
      REQUIRE(plan(table).find_column(name) != nullptr);
      cells[plan(table).find_column(name)->index] = text;
    }
    return cells;
  }

  GroupValue value(const std::string& table, const std::string& group, Cells cells) const {
    const TablePlan& of = plan(table);
    REQUIRE(of.find_group(group) != nullptr);
    const auto key = key_of_row(of, cells, book);
    REQUIRE(key.has_value());
    return wire_value(plans, of, *of.find_group(group), cells, *key, book);
  }
};

std::string text_of(std::string_view value, std::string_view column) {
  return std::string(find_cell(value, column).value_or("(none)"));
}

}  // namespace

TEST_CASE("names that the server takes for equal have one form") {
  CHECK(fold_name("Triage") == "triage");
  CHECK(fold_name("triage  ") == "triage");
  CHECK(fold_name("Triàge") == "triage");
  CHECK(fold_name("ÉLÈVE ") == fold_name("eleve"));
  CHECK(fold_name("Привет") == fold_name("ПРИВЕТ"));
  CHECK(fold_name("Straße") == fold_name("STRAsE"));
  CHECK(fold_name("a b") != fold_name("ab"));
  CHECK(fold_name("\xF0\x9F\x98\x80") == fold_name("\xF0\x9E\xA4\x80"));
  CHECK(fold_name("\xFF\x41") == "\xFF\x61");
}

TEST_CASE("the key is the lower-case uuid and the original spelling travels beside it") {
  Fixture f;
  const auto row = f.row("concept_class", {{"concept_class_id", "7"}, {"uuid", "8D492954AAAA"}, {"name", "Test"}});
  CHECK(key_of_row(f.plan("concept_class"), row, f.book) == "8d492954aaaa");
  CHECK(text_of(f.value("concept_class", "life", row), "uuid") == "8D492954AAAA");
  const auto lower = f.row("concept_class", {{"concept_class_id", "7"}, {"uuid", "8d492954aaaa"}, {"name", "Test"}});
  CHECK(f.value("concept_class", "life", lower).empty());
  CHECK(f.value("concept_class", "row", row) == f.value("concept_class", "row", lower));
}

TEST_CASE("a uuid that cannot be a key gives none") {
  Fixture f;
  for (const char* bad : {"", "caf\xC3\xA9", "a b", "line\nbreak"}) {
    INFO(bad);
    CHECK_FALSE(key_of_row(f.plan("concept_class"), f.row("concept_class", {{"uuid", bad}}), f.book).has_value());
  }
  CHECK_FALSE(key_of_row(f.plan("allergy"), f.row("allergy", {}), f.book).has_value());
}

TEST_CASE("local numbers never leave: references travel as keys, the row's own numbers not at all") {
  Fixture f;
  f.book.knows("person", "41", "p-41");
  f.book.knows("concept", "5089", "5089aaa");
  f.book.knows("users", "1", "u-1");
  const auto row = f.row("obs", {{"obs_id", "900"},
                                 {"person_id", "41"},
                                 {"concept_id", "5089"},
                                 {"creator", "1"},
                                 {"value_numeric", "70.5"},
                                 {"uuid", "o-900"},
                                 {"encounter_id", "12"}});
  const GroupValue value = f.value("obs", "obs", row);
  CHECK(text_of(value, "person_id") == "p-41");
  CHECK(text_of(value, "concept_id") == "5089aaa");
  CHECK(text_of(value, "value_numeric") == "70.5");
  CHECK(text_of(value, "obs_id") == "(none)");
  CHECK(text_of(value, "value_coded") == "(none)");
  CHECK(text_of(value, "encounter_id") == "?12");
}

TEST_CASE("a wire value is well-formed and in order whatever path made it") {
  Fixture f;
  f.book.knows("person_attribute_type", "8", "t-8");
  f.book.says("person_attribute_type", "8", "format", "org.openmrs.Location");
  f.book.knows("location", "3", "l-3");
  const auto row = f.row("person_attribute", {{"person_attribute_id", "5"},
                                              {"person_id", "41"},
                                              {"uuid", "A-5"},
                                              {"person_attribute_type_id", "8"},
                                              {"value", "3"},
                                              {"voided", "0"}});
  const GroupValue value = f.value("person_attribute", "", row);
  std::string previous;
  CHECK(for_each_cell(value, [&](NamedCell cell) {
    CHECK(previous < std::string(cell.column));
    previous = cell.column;
  }));
  CHECK(text_of(value, "value@location") == "l-3");
  CHECK(text_of(value, "value") == "(none)");
  CHECK(text_of(value, "uuid") == "A-5");
}

TEST_CASE("an attribute whose type holds no ids travels as its text") {
  Fixture f;
  f.book.says("person_attribute_type", "8", "format", "java.lang.String");
  f.book.knows("location", "3", "l-3");
  auto row = f.row("person_attribute", {{"uuid", "a-5"}, {"person_attribute_type_id", "8"}, {"value", "3"}});
  CHECK(text_of(f.value("person_attribute", "", row), "value") == "3");
  f.book.says("person_attribute_type", "8", "format", "org.openmrs.Location");
  row[f.plan("person_attribute").find_column("value")->index] = "Ward 3";
  CHECK(text_of(f.value("person_attribute", "", row), "value") == "Ward 3");
}

TEST_CASE("natural keys are joined from what the links link, and can be taken apart again") {
  Fixture f;
  f.book.knows("users", "4", "u-4");
  f.book.knows("role", "System Developer", "system developer");
  const auto row = f.row("user_role", {{"user_id", "4"}, {"role", "System Developer"}});
  const auto key = key_of_row(f.plan("user_role"), row, f.book);
  REQUIRE(key.has_value());
  CHECK(*key == "u-4|system developer");
  CHECK(split_key(*key) == std::vector<std::string>{"u-4", "system developer"});
  const std::vector<std::string> odd{"a|b", "\\", "", "c\\|"};
  CHECK(split_key(join_key(odd)) == odd);
}

TEST_CASE("a role is called by its folded name and keeps its spelling") {
  Fixture f;
  const auto row = f.row("role", {{"role", "Médecin"}, {"uuid", "r-1"}, {"description", "d"}});
  CHECK(key_of_row(f.plan("role"), row, f.book) == "medecin");
  CHECK(text_of(f.value("role", "life", row), "role") == "Médecin");
  CHECK(text_of(f.value("role", "row", row), "uuid") == "r-1");
  CHECK(reference_key(f.plan("role"), row) == "medecin");
  CHECK(spelled_by_key(f.plan("role"), *f.plan("role").find_column("role"), "nurse") == "nurse");
}

TEST_CASE("groups of owned rows are named by their table and key, and found again by that name") {
  Fixture f;
  const TablePlan& person = f.plan("person");
  const TablePlan& name = f.plan("person_name");
  const TablePlan& patient = f.plan("patient");
  CHECK(group_name(person, "p-1", *person.find_group("gender")) == "gender");
  CHECK(group_name(name, "n-1", *name.find_group("")) == "person_name/n-1");
  CHECK(group_name(name, "n-1", *name.find_group("life")) == "person_name/n-1#life");
  CHECK(group_name(patient, "", *patient.find_group("")) == "patient");
  CHECK(group_name(patient, "", *patient.find_group("life")) == "patient#life");
  for (const TablePlan* plan : {&person, &name, &patient})
    for (const GroupPlan& group : plan->groups) {
      const GroupName full = group_name(*plan, "k\\#/x", group);
      INFO(full);
      const auto found = find_group(f.plans, person, full);
      REQUIRE(found.has_value());
      CHECK(found->plan == plan);
      CHECK(found->group == &group);
      if (plan == &name) CHECK(found->row_key == "k\\#/x");
    }
  CHECK_FALSE(find_group(f.plans, person, "no_such_table/x").has_value());
  REQUIRE(find_group(f.plans, person, "obs_reference_range").has_value());
  CHECK(find_group(f.plans, person, "obs_reference_range")->group == nullptr);
}

TEST_CASE("what this schema does not have is kept as residue, not lost") {
  Fixture f;
  const GroupValue value = encode_cells({{"gender", "F"}, {"gender_identity", "x"}});
  const TablePlan& person = f.plan("person");
  const auto read = read_group(f.plans, *person.find_group("gender"), value);
  REQUIRE(read.has_value());
  REQUIRE(read->cells.size() == 1);
  CHECK(read->cells[0].column->column->name == "gender");
  CHECK(read->cells[0].text == "F");
  CHECK(read->residue == encode_cells({{"gender_identity", "x"}}));
  CHECK_FALSE(read_group(f.plans, *person.find_group("gender"), "\x05zz").has_value());
}

TEST_CASE("references and embedded ones are read back with their targets") {
  Fixture f;
  const TablePlan& attribute = f.plan("person_attribute");
  const GroupValue value =
      encode_cells({{"creator", "?77"}, {"person_attribute_type_id", "t-8"}, {"value@location", "l-3"}});
  const auto read = read_group(f.plans, *attribute.find_group(""), value);
  REQUIRE(read.has_value());
  REQUIRE(read->cells.size() == 3);
  CHECK(read->cells[0].unknown_target);
  CHECK(read->cells[0].text == "77");
  CHECK(read->cells[1].target == &f.plan("person_attribute_type"));
  CHECK(read->cells[2].target == &f.plan("location"));
  CHECK(read->cells[2].column->column->name == "value");
}

TEST_CASE("the local hash tells NULL from empty and one column from another") {
  Fixture f;
  const KeyedHash hash({1, 2, 3});
  const TablePlan& name = f.plan("person_name");
  const GroupPlan& group = *name.find_group("");
  const auto of = [&](const std::map<std::string, std::string>& texts) {
    return local_hash(group, f.row("person_name", texts), hash);
  };
  CHECK(of({{"given_name", "A"}}) == of({{"given_name", "A"}}));
  CHECK(of({{"given_name", "A"}}) != of({{"family_name", "A"}}));
  CHECK(of({{"given_name", ""}}) != of({}));
  CHECK(of({{"given_name", "A"}}) == of({{"given_name", "A"}, {"person_name_id", "4"}}));
  CHECK(local_hash(group, f.row("person_name", {}), KeyedHash({9})) != of({}));
}

TEST_CASE("log-ins and settings of a site stay at home") {
  Fixture f;
  CHECK(stays_home(f.plan("user_property"), f.row("user_property", {{"property", "loginAttempts"}})));
  CHECK(stays_home(f.plan("user_property"), f.row("user_property", {{"property", "LOGINATTEMPTS "}})));
  CHECK_FALSE(stays_home(f.plan("user_property"), f.row("user_property", {{"property", "defaultLocale"}})));
  CHECK_FALSE(stays_home(f.plan("role"), f.row("role", {{"role", "loginAttempts"}})));
}
