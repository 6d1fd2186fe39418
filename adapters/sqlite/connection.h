#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/sqlite/store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace omrsync::sqlite {

class Connection;

/// What is asked of a table; each is one prepared statement a table.
enum class Verb { get, scan_from, scan_between, last_from, last_between, put, erase_from, erase_between };
inline constexpr std::size_t kVerbs = 8;

/// A prepared statement while it is in use; afterwards it is reset and has forgotten what was bound.
/// Bound bytes must outlive it.
class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* prepared) : connection_(&connection), prepared_(prepared) {}
  Statement(Statement&& other) noexcept
      : connection_(other.connection_), prepared_(std::exchange(other.prepared_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Parameters count from 1.
  Status bind(int parameter, std::string_view bytes);
  Status bind(int parameter, std::int64_t number);

  /// Whether there is a row.
  Result<bool> step();

  /// Of the present row, valid until the next step.
  [[nodiscard]] std::string_view column(int index) const;

 private:
  Connection* connection_;
  sqlite3_stmt* prepared_;
};

/// One SQLite connection with its statements. Used by one thread at a time.
class Connection {
 public:
  enum class Role { writer, reader };

  /// Opens the file, which must exist. Sets nothing that the file keeps; `prepare_to_write` does.
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file, const Settings& settings,
                                                  Role role);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Turns the write-ahead log on, and what belongs to it.
  Status prepare_to_write(const Settings& settings);

  Status execute(const std::string& sql);
  Result<std::int64_t> number(const std::string& sql);
  Result<std::string> text(const std::string& sql);

  /// `table` is its place in the sorted list of tables, `name` its name.
  Result<Statement> statement(std::size_t table, std::string_view name, Verb verb);

  /// Undoes an open transaction, if there is one.
  void roll_back() noexcept;

  /// Moves the write-ahead log into the file where it has grown. Its failures are not the caller's: what is in the log
  /// is durable, and the next writer meets them.
  void checkpoint() noexcept;

  [[nodiscard]] Error failed(int code) const;

 private:
  friend class Statement;
  Connection(sqlite3* db, std::filesystem::path file) : db_(db), file_(std::move(file)) {}
  Result<sqlite3_stmt*> compile(const std::string& sql, bool kept);
  static int count_log_pages(void* self, sqlite3* db, const char* schema, int pages);

  sqlite3* db_;
  std::filesystem::path file_;
  std::vector<std::array<sqlite3_stmt*, kVerbs>> statements_;
  int log_pages_ = 0;           ///< of the write-ahead log after the last commit
  int patient_from_pages_ = 0;  ///< from this length on a checkpoint waits for readers
  int patience_ms_ = 0;
};

}  // namespace omrsync::sqlite
