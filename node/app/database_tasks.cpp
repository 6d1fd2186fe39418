#include "node/app/database_tasks.h"

#include <algorithm>

#include "adapters/mysql/database.h"
#include "adapters/mysql/schema.h"
#include "adapters/mysql/server_check.h"
#include "adapters/openmrs/fhir/facts.h"
#include "adapters/openmrs/fhir/types.h"
#include "adapters/openmrs/model.h"
#include "node/app/identity.h"
#include "node/app/openmrs_parts.h"

namespace omrsync::app {
namespace {

std::string host_of_account(const OpenmrsConfig& openmrs) {
  if (!openmrs.socket.empty() || openmrs.host == "localhost") return "localhost";
  return openmrs.host.starts_with("127.") ? openmrs.host : "%";
}

/// The group of a part that holds `column`, in its table's words.
std::string group_of(const openmrs::TablePart& part, const std::string& column) {
  for (const openmrs::ColumnGroup& group : part.groups)
    if (std::find(group.columns.begin(), group.columns.end(), column) != group.columns.end()) return group.name;
  return {};
}

/// The FHIR type that has an element for the column; empty: none. Owned rows of a typed root are elements of it, but
/// for who made them and when.
std::string type_with_element(const std::string& root, const std::string& table, const std::string& column) {
  namespace fhir = openmrs::fhir;
  for (const fhir::Type* type :
       {&fhir::patient_type(), &fhir::person_type(), &fhir::practitioner_type(), &fhir::location_type(),
        &fhir::visit_type(), &fhir::encounter_type(), &fhir::observation_type()}) {
    if (type->table != root) continue;
    const bool by_rule = std::any_of(type->rules.begin(), type->rules.end(),
                                     [&](const fhir::Rule& rule) { return rule.column == column; });
    if (table == root ? by_rule : fhir::audit_name(column).empty()) return std::string(type->name);
  }
  return {};
}

ColumnCoverage coverage_of(const openmrs::Model& model, const openmrs::Table& table, const openmrs::Column& column) {
  ColumnCoverage answer{table.name, column.name, "excluded", {}, {}, {}};
  if (const auto* whole = model.exclusion(table.name)) {
    answer.reason = whole->reason;
    return answer;
  }
  if (const auto* one = model.exclusion(table.name, column.name)) {
    answer.reason = one->reason;
    return answer;
  }
  const openmrs::Root* root = model.root_of(table.name);
  const openmrs::TablePart* part = model.part_of(table.name);
  if (root == nullptr || part == nullptr) {
    answer.reason = "no declaration says how rows of this table are told apart";
    return answer;
  }
  answer.root = root->root.table;
  answer.group = group_of(*part, column.name);
  if (openmrs::is_identity(table, *part, column)) {
    answer.state = "identity";
    answer.reason = "said by the row's key or its owner";
    return answer;
  }
  const std::string type = type_with_element(root->root.table, table.name, column.name);
  answer.state = type.empty() ? "residual" : "mapped";
  answer.reason = type.empty() ? "in an extension between nodes, without loss" : "an element of " + type;
  return answer;
}

}  // namespace

Result<std::vector<std::string>> grant_statements(const Config& config, const std::string& host, bool mariadb) {
  OMRSYNC_CHECK(needs_openmrs(config));
  mysql::GrantOptions options;
  options.user = config.openmrs->user;
  options.host = host.empty() ? host_of_account(*config.openmrs) : host;
  options.database = config.openmrs->database;
  options.marker_schema = config.openmrs->marker_schema;
  options.mariadb = mariadb;
  return mysql::grants(options);
}

Status init_database(const Config& config) {
  OMRSYNC_TRY(options, connection_options(config));
  options.database.clear();
  OMRSYNC_TRY(connection, mysql::Connection::open(options));
  return mysql::create_marker_schema(*connection, config.openmrs->marker_schema);
}

Json to_json(const ColumnCoverage& column) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  Json json;
  json.set("schema", "omrsync/coverage/1").set("table", column.table).set("column", column.column);
  json.set("state", column.state).set("root", or_null(column.root)).set("group", or_null(column.group));
  return json.set("reason", or_null(column.reason));
}

Status coverage(const Config& config, const std::function<void(const ColumnCoverage&)>& visit) {
  OMRSYNC_TRY(options, connection_options(config));
  OMRSYNC_TRY(connection, mysql::Connection::open(options));
  OMRSYNC_TRY(schema, mysql::read_schema(*connection, config.openmrs->database));
  OMRSYNC_TRY(model, openmrs::compile_model(std::move(schema), site_declarations(config)));
  for (const auto& [name, table] : model.schema)
    for (const openmrs::Column& column : table.columns) visit(coverage_of(model, table, column));
  return Done{};
}

}  // namespace omrsync::app
