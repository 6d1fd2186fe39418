#pragma once

#include <memory>
#include <string>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/database.h"
#include "tests/support/private_mariadb.h"

namespace omrsync::tests {

/// Databases of OpenMRS's shape on a private server, which the tests of one program share because making the tables
/// takes seconds. Throws std::runtime_error when it cannot.
class OpenmrsServer {
 public:
  OpenmrsServer();

  /// An empty database of that name with all tables. One that an earlier test had is emptied, so a test that changes
  /// its shape takes a name of its own.
  void create(const std::string& database);
  /// Makes the database and its marker schema `omrsync_<database>`, and opens it as a node does.
  [[nodiscard]] std::unique_ptr<mysql::MysqlDatabase> open(const std::string& database);
  /// Opens it once more, as a node does.
  [[nodiscard]] std::unique_ptr<mysql::MysqlDatabase> open_again(const std::string& database) const;
  /// As root, with that database chosen.
  [[nodiscard]] std::unique_ptr<mysql::Connection> connect(const std::string& database) const;
  [[nodiscard]] mysql::ConnectionOptions options(const std::string& database) const;
  [[nodiscard]] PrivateMariadb& server() { return server_; }

 private:
  PrivateMariadb& server_;
};

}  // namespace omrsync::tests
