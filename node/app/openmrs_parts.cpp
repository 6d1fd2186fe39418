#include "node/app/openmrs_parts.h"

#include "adapters/mysql/database.h"
#include "adapters/openmrs/declarations.h"
#include "adapters/openmrs/fhir/codec.h"
#include "adapters/openmrs/shape.h"
#include "adapters/repository/repository.h"
#include "adapters/system/files.h"
#include "node/store/facts.h"
#include "protocol/json.h"

namespace omrsync::app {

Status needs_openmrs(const Config& config) {
  if (config.openmrs) return Done{};
  return Error{Remedy::stop_node, Code::config_invalid,
               "The configuration has no [openmrs] section: this node is a FHIR repository and has no database."};
}

Result<mysql::ConnectionOptions> connection_options(const Config& config) {
  OMRSYNC_CHECK(needs_openmrs(config));
  const OpenmrsConfig& openmrs = *config.openmrs;
  mysql::ConnectionOptions options;
  options.host = openmrs.host;
  options.port = openmrs.port;
  options.socket = openmrs.socket.string();
  options.user = openmrs.user;
  options.database = openmrs.database;
  options.tls_ca = openmrs.tls_ca.string();
  options.tls_server_name = openmrs.tls_server_name;
  if (!openmrs.password_file.empty()) {
    OMRSYNC_TRY(password, system::read_secret_file(openmrs.password_file));
    options.password = std::move(password);
  }
  return options;
}

std::vector<std::string> site_declarations(const Config& config) {
  if (config.excluded_tables.empty()) return {};
  Json::Array excluded;
  for (const std::string& table : config.excluded_tables)
    excluded.push_back(Json(Json::Object{{"table", table}, {"reason", "this site's [scope] exclude_tables"}}));
  return {to_string(Json(Json::Object{{"excluded", std::move(excluded)}}))};
}

namespace {

/// A FHIR repository: the tables of OpenMRS are known by their shape alone.
Result<OpenmrsParts> open_repository(const Config& config, const node::Identity& identity, ports::Store& store,
                                     ports::Clock& clock) {
  OMRSYNC_TRY(schema, openmrs::parse_shape(openmrs::openmrs_shape()));
  OMRSYNC_TRY(compiled, openmrs::compile_model(std::move(schema), site_declarations(config)));
  const auto model = std::make_shared<const openmrs::Model>(std::move(compiled));
  OMRSYNC_TRY(declared, openmrs::read_declarations(site_declarations(config)));
  for (const openmrs::RowRule& rule : declared.rows)
    if (rule.only && rule.names.empty()) declared.excluded.push_back({rule.table, "", rule.reason});
  repository::Options options{model, identity.hash_key, std::move(declared.excluded), {}};
  options.taken = [](ports::StoreTransaction& tx) -> Result<std::optional<ports::LogPosition>> {
    OMRSYNC_TRY(record, node::capture_record(tx));
    return record ? std::optional(record->position) : std::nullopt;
  };
  auto database = std::make_unique<repository::Repository>(store, clock, std::move(options));
  OMRSYNC_TRY(codec, openmrs::FhirCodec::create(model, {config.node.timezone}));
  OpenmrsParts parts;
  parts.changes = database->changes();
  parts.codec = std::move(codec);
  parts.database = std::move(database);
  return parts;
}

}  // namespace

Result<OpenmrsParts> open_openmrs(const Config& config, const node::Identity& identity, ports::Store& store,
                                  ports::Clock& clock) {
  if (!config.openmrs) return open_repository(config, identity, store, clock);
  mysql::DatabaseOptions options;
  OMRSYNC_TRY(connection, connection_options(config));
  options.connection = std::move(connection);
  options.marker_schema = config.openmrs->marker_schema;
  options.hash_key = identity.hash_key;
  options.site = config.node.name;
  options.declarations = site_declarations(config);
  OMRSYNC_TRY(database, mysql::MysqlDatabase::open(std::move(options)));
  OMRSYNC_TRY(codec, openmrs::FhirCodec::create(database->model(), {config.node.timezone}));
  OpenmrsParts parts;
  parts.changes = database->changes();
  parts.codec = std::move(codec);
  parts.database = std::move(database);
  return parts;
}

}  // namespace omrsync::app
