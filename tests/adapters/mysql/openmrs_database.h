#pragma once

#include <memory>
#include <string>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/database.h"
#include "tests/support/private_mariadb.h"

namespace omrsync::tests {

/// A private server with databases that have OpenMRS's shape. Throws std::runtime_error when it cannot.
class OpenmrsServer {
 public:
  /// Makes an empty database of that name with all tables.
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
  PrivateMariadb server_{{{"--innodb-file-per-table=0", "--innodb-flush-method=nosync", "--sync-frm=0"}, false}};
};

}  // namespace omrsync::tests
