#include "tests/adapters/mysql/openmrs_database.h"

#include <stdexcept>

#include "tests/support/openmrs_shape.h"

namespace omrsync::tests {

void OpenmrsServer::create(const std::string& database) {
  std::string sql;
  for (const std::string& statement : ddl_of(openmrs_shape_text())) sql += statement + ";\n";
  server_.sql("CREATE DATABASE `" + database + "` DEFAULT CHARACTER SET utf8mb4");
  server_.sql(sql, database);
}

mysql::ConnectionOptions OpenmrsServer::options(const std::string& database) const {
  mysql::ConnectionOptions options;
  options.socket = server_.socket();
  options.user = "root";
  options.database = database;
  return options;
}

std::unique_ptr<mysql::Connection> OpenmrsServer::connect(const std::string& database) const {
  auto connection = mysql::Connection::open(options(database));
  if (!connection) throw std::runtime_error(connection.error().message);
  return std::move(*connection);
}

}  // namespace omrsync::tests
