#include "node/app/database_options.h"

#include "adapters/system/files.h"

namespace omrsync::app {

Result<mysql::ConnectionOptions> connection_options(const OpenmrsConfig& openmrs) {
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

Result<mysql::DatabaseOptions> database_options(const Config& config, const node::Identity& identity) {
  mysql::DatabaseOptions options;
  OMRSYNC_TRY(connection, connection_options(*config.openmrs));
  options.connection = std::move(connection);
  options.marker_schema = config.openmrs->marker_schema;
  options.hash_key = identity.hash_key;
  options.site = config.node.name;
  return options;
}

}  // namespace omrsync::app
