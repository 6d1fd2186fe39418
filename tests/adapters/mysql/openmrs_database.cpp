#include "tests/adapters/mysql/openmrs_database.h"

#include <stdexcept>

#include "adapters/openmrs/shape.h"
#include "tests/support/openmrs_shape.h"

namespace omrsync::tests {

namespace {

PrivateMariadb& shared_server() {
  static PrivateMariadb server({{"--innodb-file-per-table=0", "--innodb-flush-method=nosync", "--sync-frm=0"}, false});
  return server;
}

}  // namespace

OpenmrsServer::OpenmrsServer() : server_(shared_server()) {}

void OpenmrsServer::create(const std::string& database) {
  const std::string tables = server_.sql(
      "SELECT CONCAT('DELETE FROM `', TABLE_SCHEMA, '`.`', TABLE_NAME, '`;') FROM information_schema.TABLES"
      " WHERE TABLE_NAME <> 'life' AND TABLE_SCHEMA IN ('" +
      database + "', 'omrsync_" + database + "')");
  if (!tables.empty()) {
    server_.sql("SET foreign_key_checks = 0;" + tables);
    return;
  }
  std::string sql;
  for (const std::string& statement : ddl_of(openmrs::openmrs_shape())) sql += statement + ";\n";
  server_.sql("CREATE DATABASE `" + database + "` DEFAULT CHARACTER SET utf8mb4");
  server_.sql(sql, database);
}

std::unique_ptr<mysql::MysqlDatabase> OpenmrsServer::open(const std::string& database) {
  create(database);
  const auto connection = connect("");
  const Status made = mysql::create_marker_schema(*connection, "omrsync_" + database);
  if (!made) throw std::runtime_error(made.error().message);
  return open_again(database);
}

std::unique_ptr<mysql::MysqlDatabase> OpenmrsServer::open_again(const std::string& database) const {
  mysql::DatabaseOptions given;
  given.connection = options(database);
  given.hash_key = {1, 2, 3, 4};
  given.site = "site";
  auto opened = mysql::MysqlDatabase::open(std::move(given));
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
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
