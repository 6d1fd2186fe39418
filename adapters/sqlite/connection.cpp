#include "adapters/sqlite/connection.h"

#include <sqlite3.h>

#include "adapters/sqlite/failure.h"

namespace omrsync::sqlite {
namespace {

/// The log is moved into the file from this size on: 4 MiB in pages of 4 KiB.
constexpr int kCheckpointPages = 1024;
/// Readers that overlap without end keep the log from starting over. Each time it has grown by this much, the writer
/// waits this long for the readers of an older state.
constexpr int kPatientCheckpointPages = 4 * kCheckpointPages;
constexpr int kWaitForReadersMs = 100;
constexpr std::int64_t kLogBytesKept = 4 * 1024 * 1024;

std::string sql_for(std::string_view table, Verb verb) {
  const std::string name(table);
  switch (verb) {
    case Verb::get:
      return "SELECT value FROM " + name + " WHERE key = ?1";
    case Verb::scan_from:
      return "SELECT key, value FROM " + name + " WHERE key >= ?1 ORDER BY key LIMIT ?3";
    case Verb::scan_between:
      return "SELECT key, value FROM " + name + " WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3";
    case Verb::last_from:
      return "SELECT key, value FROM " + name + " WHERE key >= ?1 ORDER BY key DESC LIMIT 1";
    case Verb::last_between:
      return "SELECT key, value FROM " + name + " WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT 1";
    case Verb::put:
      return "INSERT INTO " + name +
             "(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    case Verb::erase_from:
      return "DELETE FROM " + name + " WHERE key >= ?1";
    case Verb::erase_between:
      return "DELETE FROM " + name + " WHERE key >= ?1 AND key < ?2";
  }
  return {};
}

}  // namespace

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  sqlite3_reset(prepared_);
  sqlite3_clear_bindings(prepared_);
}

Status Statement::bind(int parameter, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();  // a null pointer would bind NULL
  const int code = sqlite3_bind_blob64(prepared_, parameter, data, bytes.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) return connection_->failed(code);
  return Done{};
}

Status Statement::bind(int parameter, std::int64_t number) {
  const int code = sqlite3_bind_int64(prepared_, parameter, number);
  if (code != SQLITE_OK) return connection_->failed(code);
  return Done{};
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(prepared_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->failed(code);
}

std::string_view Statement::column(int index) const {
  const void* data = sqlite3_column_blob(prepared_, index);
  const int size = sqlite3_column_bytes(prepared_, index);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file, const Settings& settings,
                                                     Role role) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (db == nullptr) return failure(nullptr, code, file);
  std::unique_ptr<Connection> connection(new Connection(db, file));
  if (code != SQLITE_OK) return connection->failed(code);
  sqlite3_extended_result_codes(db, 1);
  connection->patience_ms_ = static_cast<int>(settings.patience.count());
  sqlite3_busy_timeout(db, connection->patience_ms_);
  const std::size_t cache = role == Role::writer ? settings.cache_bytes : settings.cache_bytes / 8;
  OMRSYNC_CHECK(connection->execute("PRAGMA cache_size=-" + std::to_string(cache / 1024)));
  OMRSYNC_CHECK(connection->execute("PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF"));
  if (role == Role::reader) OMRSYNC_CHECK(connection->execute("PRAGMA query_only=ON"));
  return connection;
}

Connection::~Connection() {
  for (const auto& of_table : statements_)
    for (sqlite3_stmt* prepared : of_table) sqlite3_finalize(prepared);
  sqlite3_close(db_);
}

Status Connection::prepare_to_write(const Settings& settings) {
  OMRSYNC_TRY(mode, text("PRAGMA journal_mode=WAL"));
  if (mode != "wal")
    return Error{Remedy::stop_node, Code::disk_read_only, "the store's disk does not allow a write-ahead log"};
  OMRSYNC_CHECK(execute("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON"));
  OMRSYNC_CHECK(execute("PRAGMA journal_size_limit=" + std::to_string(kLogBytesKept)));
  if (settings.max_bytes > 0) {
    OMRSYNC_TRY(page_bytes, number("PRAGMA page_size"));
    const std::uint64_t pages = settings.max_bytes / static_cast<std::uint64_t>(page_bytes);
    OMRSYNC_CHECK(execute("PRAGMA max_page_count=" + std::to_string(pages)));
  }
  sqlite3_wal_hook(db_, &Connection::count_log_pages, this);
  return Done{};
}

Status Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return Done{};
}

Result<std::int64_t> Connection::number(const std::string& sql) {
  OMRSYNC_TRY(answer, text(sql));
  return answer.empty() ? std::int64_t{0} : static_cast<std::int64_t>(std::stoll(answer));
}

Result<std::string> Connection::text(const std::string& sql) {
  OMRSYNC_TRY(compiled, compile(sql, false));
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> prepared(compiled, &sqlite3_finalize);
  const int code = sqlite3_step(prepared.get());
  if (code == SQLITE_DONE) return std::string();
  if (code != SQLITE_ROW) return failed(code);
  const unsigned char* column = sqlite3_column_text(prepared.get(), 0);
  return column == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(column));
}

Result<Statement> Connection::statement(std::size_t table, std::string_view name, Verb verb) {
  if (table >= statements_.size()) statements_.resize(table + 1);
  sqlite3_stmt*& prepared = statements_[table][static_cast<std::size_t>(verb)];
  if (prepared == nullptr) {
    OMRSYNC_TRY(compiled, compile(sql_for(name, verb), true));
    prepared = compiled;
  }
  return Statement(*this, prepared);
}

Result<sqlite3_stmt*> Connection::compile(const std::string& sql, bool kept) {
  sqlite3_stmt* prepared = nullptr;
  const unsigned flags = kept ? SQLITE_PREPARE_PERSISTENT : 0;
  const int code = sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()), flags, &prepared, nullptr);
  if (code != SQLITE_OK) return failed(code);
  return prepared;
}

void Connection::roll_back() noexcept {
  if (sqlite3_get_autocommit(db_) == 0) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

int Connection::count_log_pages(void* self, sqlite3*, const char*, int pages) {
  static_cast<Connection*>(self)->log_pages_ = pages;
  return SQLITE_OK;
}

void Connection::checkpoint() noexcept {
  if (log_pages_ < kPatientCheckpointPages) patient_from_pages_ = kPatientCheckpointPages;  // it has started over
  if (log_pages_ < kCheckpointPages) return;
  sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (log_pages_ < patient_from_pages_) return;
  sqlite3_busy_timeout(db_, kWaitForReadersMs);
  sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  sqlite3_busy_timeout(db_, patience_ms_);
  patient_from_pages_ = log_pages_ + kPatientCheckpointPages;
}

Error Connection::failed(int code) const { return failure(db_, code, file_); }

}  // namespace omrsync::sqlite
