#pragma once

#include <memory>
#include <string>

#include "adapters/mysql/connection.h"
#include "tests/support/private_mariadb.h"

namespace omrsync::tests {

/// A private server with databases that have OpenMRS's shape. Throws std::runtime_error when it cannot.
class OpenmrsServer {
 public:
  /// Makes an empty database of that name with all tables.
  void create(const std::string& database);
  /// As root, with that database chosen.
  [[nodiscard]] std::unique_ptr<mysql::Connection> connect(const std::string& database) const;
  [[nodiscard]] mysql::ConnectionOptions options(const std::string& database) const;
  [[nodiscard]] PrivateMariadb& server() { return server_; }

 private:
  PrivateMariadb server_{{{"--innodb-file-per-table=0", "--innodb-flush-method=nosync", "--sync-frm=0"}, false}};
};

}  // namespace omrsync::tests
