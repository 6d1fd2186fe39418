#include "adapters/sqlite/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/failure.h"
#include "adapters/sqlite/schema.h"

namespace omrsync::sqlite {
namespace {

constexpr std::size_t kIdleReaders = 2;

Error defect(std::string message) { return {Remedy::stop_node, Code::defect, std::move(message)}; }

/// What both kinds of transaction can do. `over_` after a failure, a commit or a rollback.
class Transaction : public ports::StoreTransaction {
 public:
  Transaction(Connection& connection, const Tables& tables) : connection_(connection), tables_(tables) {}

  Result<std::optional<std::string>> get(ports::TableName table, std::string_view key) override {
    return ending_on_failure([&]() -> Result<std::optional<std::string>> {
      OMRSYNC_TRY(query, statement(table, Verb::get));
      OMRSYNC_CHECK(query.bind(1, key));
      OMRSYNC_TRY(found, query.step());
      if (!found) return std::optional<std::string>();
      return std::optional<std::string>(query.column(0));
    });
  }

  Status scan(ports::TableName table, std::string_view from, std::string_view to, std::size_t limit,
              const ports::Visit& visit) override {
    return ending_on_failure([&]() -> Status {
      OMRSYNC_TRY(query, range(table, from, to, Verb::scan_from, Verb::scan_between));
      OMRSYNC_CHECK(query.bind(
          3, static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max()))));
      while (true) {
        OMRSYNC_TRY(found, query.step());
        if (!found || !visit(ports::Entry{query.column(0), query.column(1)})) return Done{};
      }
    });
  }

  Result<std::optional<std::pair<std::string, std::string>>> last(ports::TableName table, std::string_view from,
                                                                  std::string_view to) override {
    using Pair = std::pair<std::string, std::string>;
    return ending_on_failure([&]() -> Result<std::optional<Pair>> {
      OMRSYNC_TRY(query, range(table, from, to, Verb::last_from, Verb::last_between));
      OMRSYNC_TRY(found, query.step());
      if (!found) return std::optional<Pair>();
      return std::optional<Pair>(Pair(query.column(0), query.column(1)));
    });
  }

  Status put(ports::TableName, std::string_view, std::string_view) override { return read_only(); }
  Status erase(ports::TableName, std::string_view, std::string_view) override { return read_only(); }
  Status commit() override { return read_only(); }

 protected:
  template <typename Work>
  auto ending_on_failure(Work work) -> decltype(work()) {
    if (over_) return defect("a store transaction was used after its end");
    auto done = work();
    over_ = !done.has_value();
    return done;
  }

  Result<Statement> statement(ports::TableName table, Verb verb) {
    const auto found = std::lower_bound(tables_.begin(), tables_.end(), table.name);
    if (found == tables_.end() || *found != table.name)
      return defect("the store has no table " + std::string(table.name));
    return connection_.statement(static_cast<std::size_t>(found - tables_.begin()), table.name, verb);
  }

  /// `between` with both bounds, or `open` where `to` is empty.
  Result<Statement> range(ports::TableName table, std::string_view from, std::string_view to, Verb open, Verb between) {
    OMRSYNC_TRY(query, statement(table, to.empty() ? open : between));
    OMRSYNC_CHECK(query.bind(1, from));
    if (!to.empty()) OMRSYNC_CHECK(query.bind(2, to));
    return Result<Statement>(std::move(query));
  }

  Connection& connection_;
  const Tables& tables_;
  bool over_ = false;

 private:
  static Status read_only() { return defect("a reading store transaction was asked to write"); }
};

/// Connections for readers: as many as there are readers at once, of which a few are kept.
class ReaderPool {
 public:
  ReaderPool(std::filesystem::path file, Settings settings) : file_(std::move(file)), settings_(settings) {}

  Result<std::unique_ptr<Connection>> take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return Connection::open(file_, settings_, Connection::Role::reader);
  }

  void give_back(std::unique_ptr<Connection> connection) {
    const std::scoped_lock lock(mutex_);
    if (idle_.size() < kIdleReaders) idle_.push_back(std::move(connection));
  }

 private:
  std::filesystem::path file_;
  Settings settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

class Reading final : public Transaction {
 public:
  Reading(ReaderPool& pool, std::unique_ptr<Connection> connection, const Tables& tables)
      : Transaction(*connection, tables), pool_(pool), owned_(std::move(connection)) {}

  ~Reading() override {
    owned_->roll_back();
    if (!over_) pool_.give_back(std::move(owned_));  // after a failure a new connection is made
  }

 private:
  ReaderPool& pool_;
  std::unique_ptr<Connection> owned_;
};

/// The right to write: of one transaction in this process at a time.
class Turn {
 public:
  Turn(std::mutex& mutex, std::atomic<std::thread::id>& holder) : lock_(mutex), holder_(holder) {
    holder_ = std::this_thread::get_id();
  }
  Turn(Turn&&) = default;
  Turn& operator=(Turn&&) = delete;
  ~Turn() { end(); }

  void end() {
    if (!lock_.owns_lock()) return;
    holder_ = std::thread::id();
    lock_.unlock();
  }

 private:
  std::unique_lock<std::mutex> lock_;
  std::atomic<std::thread::id>& holder_;
};

class Writing final : public Transaction {
 public:
  Writing(Turn turn, Connection& connection, const Tables& tables)
      : Transaction(connection, tables), turn_(std::move(turn)) {}

  ~Writing() override {
    if (!committed_) connection_.roll_back();
  }

  Status put(ports::TableName table, std::string_view key, std::string_view value) override {
    return ending_on_failure([&]() -> Status {
      OMRSYNC_TRY(query, statement(table, Verb::put));
      OMRSYNC_CHECK(query.bind(1, key));
      OMRSYNC_CHECK(query.bind(2, value));
      OMRSYNC_CHECK(query.step());
      return Done{};
    });
  }

  Status erase(ports::TableName table, std::string_view from, std::string_view to) override {
    return ending_on_failure([&]() -> Status {
      OMRSYNC_TRY(query, range(table, from, to, Verb::erase_from, Verb::erase_between));
      OMRSYNC_CHECK(query.step());
      return Done{};
    });
  }

  Status commit() override {
    OMRSYNC_CHECK(ending_on_failure([&] { return connection_.execute("COMMIT"); }));
    over_ = committed_ = true;
    connection_.checkpoint();
    turn_.end();
    return Done{};
  }

 private:
  Turn turn_;
  bool committed_ = false;
};

class SqliteStore final : public ports::Store {
 public:
  SqliteStore(const std::filesystem::path& file, Settings settings, Tables tables, std::unique_ptr<Connection> writer)
      : tables_(std::move(tables)), readers_(file, settings), writer_(std::move(writer)) {}

  Result<std::unique_ptr<ports::StoreTransaction>> write() override {
    if (writing_thread_ == std::this_thread::get_id())
      return defect("a thread that writes to the store began to write again");
    Turn turn(writing_, writing_thread_);
    OMRSYNC_CHECK(writer_->execute("BEGIN IMMEDIATE"));
    return std::unique_ptr<ports::StoreTransaction>(new Writing(std::move(turn), *writer_, tables_));
  }

  /// A deferred transaction takes its view at its first look, so one look is made here.
  Result<std::unique_ptr<ports::StoreTransaction>> read() override {
    OMRSYNC_TRY(connection, readers_.take());
    OMRSYNC_CHECK(connection->execute("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1"));
    return std::unique_ptr<ports::StoreTransaction>(new Reading(readers_, std::move(connection), tables_));
  }

 private:
  const Tables tables_;
  ReaderPool readers_;
  std::unique_ptr<Connection> writer_;  ///< used by who holds writing_
  std::mutex writing_;
  std::atomic<std::thread::id> writing_thread_{};
};

/// Never opens a file that is there: closing it would drop the locks that this process may have on it.
Status make_file(const std::filesystem::path& file) {
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) {
    ::close(made);
    return Done{};
  }
  if (errno != EEXIST) return file_failure(errno, "the store cannot be made");
  if (::access(file.c_str(), R_OK | W_OK) != 0) return file_failure(errno, "the store cannot be written");
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode))
    return file_failure(EISDIR, "the store is not a file");
  if ((found.st_mode & 0077) != 0 && ::chmod(file.c_str(), 0600) != 0)
    return file_failure(errno, "the store's mode cannot be set to 0600");
  return Done{};
}

}  // namespace

Result<std::unique_ptr<ports::Store>> open_store(std::filesystem::path file, std::span<const std::string_view> tables,
                                                 Settings settings) {
  Tables names(tables.begin(), tables.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  OMRSYNC_CHECK(make_file(file));
  OMRSYNC_TRY(writer, Connection::open(file, settings, Connection::Role::writer));
  OMRSYNC_CHECK(check_format(*writer));
  OMRSYNC_CHECK(writer->prepare_to_write(settings));
  OMRSYNC_CHECK(bring_up_to_date(*writer, names));
  return std::unique_ptr<ports::Store>(new SqliteStore(file, settings, std::move(names), std::move(writer)));
}

}  // namespace omrsync::sqlite
