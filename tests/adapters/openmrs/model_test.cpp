#include "adapters/openmrs/model.h"

#include <algorithm>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/openmrs_shape.h"

using namespace omrsync;
using openmrs::ColumnGroup;
using openmrs::Identity;
using openmrs::Model;
using openmrs::TablePart;
using Kind = ports::RootTable::Class;

namespace {

Model real_model() {
  Result<Model> model = openmrs::compile_model(tests::openmrs_schema());
  REQUIRE(model.has_value());
  return std::move(*model);
}

std::vector<const TablePart*> all_parts(const Model& model) {
  std::vector<const TablePart*> parts;
  for (const openmrs::Root& root : model.roots) {
    parts.push_back(&root.root);
    for (const TablePart& owned : root.owned) parts.push_back(&owned);
  }
  return parts;
}

std::string group_of(const Model& model, const std::string& table, const std::string& column) {
  const TablePart* part = model.part_of(table);
  REQUIRE(part != nullptr);
  for (const ColumnGroup& group : part->groups)
    if (std::find(group.columns.begin(), group.columns.end(), column) != group.columns.end()) return group.name;
  return "(none)";
}

std::ptrdiff_t place(const Model& model, const std::string& table) {
  return std::find(model.tables.begin(), model.tables.end(), table) - model.tables.begin();
}

}  // namespace

TEST_CASE("each column of the real schema is in exactly one group, or identity, or excluded with a reason") {
  const Model model = real_model();
  for (const auto& [name, table] : model.schema) {
    INFO(name);
    const TablePart* part = model.part_of(name);
    if (const openmrs::Excluded* excluded = model.exclusion(name); excluded != nullptr) {
      CHECK(part == nullptr);
      CHECK_FALSE(excluded->reason.empty());
      continue;
    }
    REQUIRE(part != nullptr);
    for (const openmrs::Column& column : table.columns) {
      INFO(column.name);
      std::ptrdiff_t places = 0;
      for (const ColumnGroup& group : part->groups)
        places += std::count(group.columns.begin(), group.columns.end(), column.name);
      const bool stays = is_identity(table, *part, column) || model.exclusion(name, column.name) != nullptr;
      CHECK(places == (stays ? 0 : 1));
    }
  }
}

TEST_CASE("no table of the real schema stays at home but for what never travels") {
  const Model model = real_model();
  std::set<std::string> excluded;
  for (const openmrs::Excluded& each : model.excluded)
    if (each.column.empty()) excluded.insert(each.table);
  CHECK(excluded == std::set<std::string>{"global_property", "hl7_in_archive", "hl7_in_error", "hl7_in_queue",
                                          "liquibasechangelog", "liquibasechangeloglock", "notification_alert",
                                          "notification_alert_recipient", "notification_template",
                                          "scheduler_task_config", "scheduler_task_config_property"});
  for (const char* column : {"password", "salt", "secret_question", "secret_answer", "activation_key"})
    CHECK(model.exclusion("users", column) != nullptr);
}

TEST_CASE("rows can be inserted in the order of the tables") {
  const Model model = real_model();
  for (const TablePart* part : all_parts(model)) {
    const openmrs::Table& table = model.schema.at(part->table);
    for (const openmrs::Column& column : table.columns) {
      if (column.nullable || column.references.empty() || column.references == part->table) continue;
      if (model.exclusion(part->table, column.name) != nullptr) continue;
      INFO(part->table << "." << column.name);
      CHECK(place(model, column.references) < place(model, part->table));
    }
  }
  CHECK(place(model, "person") < place(model, "users"));
  CHECK(place(model, "users") < place(model, "person_name"));
}

TEST_CASE("every root has a life, and every owned row a main group") {
  const Model model = real_model();
  for (const openmrs::Root& root : model.roots) {
    INFO(root.root.table);
    CHECK(root.root.groups.end() != std::find_if(root.root.groups.begin(), root.root.groups.end(),
                                                 [](const ColumnGroup& group) { return group.name == "life"; }));
    for (const TablePart& owned : root.owned) {
      INFO(owned.table);
      REQUIRE_FALSE(owned.groups.empty());
      CHECK(owned.groups.front().name.empty());
      CHECK_FALSE(owned.owner_column.empty());
    }
  }
}

TEST_CASE("what belongs together stays together") {
  const Model model = real_model();
  for (const char* column : {"birthdate", "birthdate_estimated", "birthtime"})
    CHECK(group_of(model, "person", column) == "birthdate");
  for (const char* column : {"dead", "death_date", "cause_of_death", "cause_of_death_non_coded"})
    CHECK(group_of(model, "person", column) == "death");
  for (const char* column : {"voided", "voided_by", "date_voided", "void_reason", "uuid"})
    CHECK(group_of(model, "person", column) == "life");
  for (const char* column : {"given_name", "middle_name", "family_name", "preferred", "prefix", "degree"})
    CHECK(group_of(model, "person_name", column).empty());
  CHECK(group_of(model, "person_name", "voided") == "life");
  CHECK(group_of(model, "person_name", "date_changed") == "changed");
  for (const char* column :
       {"value_numeric", "value_coded", "concept_id", "person_id", "comments", "creator", "status"})
    CHECK(group_of(model, "obs", column) == "obs");
  CHECK(model.root_of("patient")->root.table == "person");
  CHECK(model.part_of("patient")->identity == Identity::owner);
  CHECK(model.root_of("drug_order")->root.table == "orders");
}

TEST_CASE("a table that no declaration names is a root of its own by construction") {
  const Model model = real_model();
  const openmrs::Root* root = model.root_of("encounter_type");
  REQUIRE(root != nullptr);
  CHECK_FALSE(root->declared);
  CHECK(root->kind == Kind::metadata);
  CHECK(group_of(model, "encounter_type", "name") == "row");
  CHECK(group_of(model, "encounter_type", "retired") == "life");
  CHECK(group_of(model, "encounter_type", "changed_by") == "changed");
  CHECK(model.root_of("person_merge_log")->kind == Kind::clinical);
}

TEST_CASE("links are told apart by what they link") {
  const Model model = real_model();
  for (const char* table : {"user_role", "role_role", "role_privilege", "location_tag_map", "concept_name_tag_map"}) {
    INFO(table);
    REQUIRE(model.root_of(table) != nullptr);
    CHECK(model.root_of(table)->kind == Kind::link);
    CHECK(model.part_of(table)->identity == Identity::natural);
    CHECK(model.part_of(table)->key_columns.size() == 2);
  }
}

TEST_CASE("a foreign key that OpenMRS names but does not declare is one") {
  const Model model = real_model();
  const openmrs::Column* column = model.schema.at("person_name").find("changed_by");
  REQUIRE(column != nullptr);
  CHECK(column->references == "users");
  CHECK_FALSE(column->enforced);
  CHECK(model.schema.at("person_name").find("creator")->enforced);
}

TEST_CASE("tables of modules are found from the live schema") {
  const Result<Model> model = openmrs::compile_model(tests::parse_shape(R"(users
  user_id int ! +
  uuid char(38) !
  pk user_id
clinic_stock
  stock_id int ! +
  name varchar(50)
  keeper int >users
  uuid char(38) !
  pk stock_id
clinic_stock_tag
  stock_id int ! >clinic_stock
  tag varchar(20) !
  pk stock_id tag
clinic_counter
  counter_id int ! +
  value int
  pk counter_id
clinic_counter_note
  note_id int ! +
  counter_id int ! >clinic_counter
  uuid char(38) !
  pk note_id
)"));
  REQUIRE(model.has_value());
  CHECK(group_of(*model, "clinic_stock", "name") == "row");
  CHECK(model->root_of("clinic_stock_tag")->kind == Kind::link);
  REQUIRE(model->exclusion("clinic_counter") != nullptr);
  CHECK(model->exclusion("clinic_counter")->reason.find("uuid") != std::string::npos);
  REQUIRE(model->exclusion("clinic_counter_note") != nullptr);
  CHECK(model->exclusion("clinic_counter_note")->reason.find("clinic_counter") != std::string::npos);
}

TEST_CASE("a site adds or replaces declarations without a build") {
  const Result<Model> model = openmrs::compile_model(
      tests::openmrs_schema(), {R"({"roots": [{"table": "note", "class": "clinical", "groups": {"words": ["text"]}}],
        "rows": [{"table": "global_property", "column": "property", "only": ["default_locale"], "reason": "site"}]})"});
  REQUIRE(model.has_value());
  CHECK(group_of(*model, "note", "text") == "words");
  CHECK(group_of(*model, "note", "priority") == "row");
  REQUIRE(model->root_of("global_property") != nullptr);
  const auto rule = std::find_if(model->row_rules.begin(), model->row_rules.end(),
                                 [](const openmrs::RowRule& each) { return each.table == "global_property"; });
  REQUIRE(rule != model->row_rules.end());
  CHECK(rule->names == std::vector<std::string>{"default_locale"});
}

TEST_CASE("a wrong declaration is refused with what is wrong") {
  const auto message = [](const std::string& text) {
    const Result<Model> model = openmrs::compile_model(tests::openmrs_schema(), {text});
    REQUIRE_FALSE(model.has_value());
    CHECK(model.error().code == Code::config_invalid);
    return model.error().message;
  };
  CHECK(message("{").find("addition 1") != std::string::npos);
  CHECK(message(R"({"root": []})").find("'root'") != std::string::npos);
  CHECK(message(R"({"roots": [{"table": "note", "class": "clinic"}]})").find("note") != std::string::npos);
  CHECK(
      message(R"({"roots": [{"table": "note", "class": "clinical", "owned": [{"table": "obs"}]}]})").find("'owner'") !=
      std::string::npos);
}
