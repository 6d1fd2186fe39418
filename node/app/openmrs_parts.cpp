#include "node/app/openmrs_parts.h"

#include "adapters/mysql/database.h"
#include "adapters/openmrs/fhir/codec.h"
#include "adapters/system/files.h"
#include "protocol/json.h"

namespace omrsync::app {

Result<mysql::ConnectionOptions> connection_options(const Config& config) {
  if (!config.openmrs) {
    return Error{Remedy::stop_node, Code::config_invalid,
                 "The configuration has no [openmrs] section, which this version needs."};
  }
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

Result<OpenmrsParts> open_openmrs(const Config& config, const node::Identity& identity) {
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
