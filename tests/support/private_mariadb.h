#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace omrsync::tests {

struct PrivateMariadbOptions {
  std::vector<std::string> extra;  ///< more mariadbd options; a later one wins
  bool durable = false;            ///< true: every commit is on disk before it returns
};

/// A MariaDB server of one's own in a temporary folder, on a free loopback port, with the binary log as capture needs
/// it (row format, full images, full metadata, strict GTID). Ends, and leaves nothing behind, with its object. Throws
/// std::runtime_error when it cannot do what it is asked: a test has no use for going on.
class PrivateMariadb {
 public:
  explicit PrivateMariadb(PrivateMariadbOptions options = {});
  ~PrivateMariadb();
  PrivateMariadb(const PrivateMariadb&) = delete;
  PrivateMariadb& operator=(const PrivateMariadb&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string socket() const;
  [[nodiscard]] std::filesystem::path folder() const;    ///< the temporary folder
  [[nodiscard]] std::filesystem::path data_dir() const;  ///< binary logs are here, named binlog.000001 ...

  /// Runs statements as root through the mariadb client (several, DELIMITER allowed), in `database` if given; what it
  /// prints: tab-separated, without column names.
  std::string sql(std::string_view statements, std::string_view database = {}) const;

  /// Loads a file of statements as root.
  void load(const std::filesystem::path& file, std::string_view database) const;

  void stop();     ///< as an administrator would
  void kill9();    ///< as a power cut would
  void restart();  ///< stops it if it runs, then starts it again on the same data, port and socket

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

/// Runs a program to its end; what it wrote to stdout. Throws std::runtime_error with its stderr when it fails.
std::string run_program(const std::vector<std::string>& arguments, std::string_view input = {});

}  // namespace omrsync::tests
