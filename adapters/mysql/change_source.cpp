#include "adapters/mysql/change_source.h"

#include <algorithm>
#include <deque>
#include <random>

#include "adapters/mysql/binlog_position.h"
#include "adapters/mysql/binlog_reader.h"
#include "adapters/mysql/change_pieces.h"
#include "adapters/mysql/database_shared.h"

namespace omrsync::mysql {
namespace {

using std::chrono::milliseconds;

/// Transactions read ahead while they are there at once: their owners and references are resolved together.
constexpr std::size_t kReadAhead = 200;
constexpr std::size_t kReadAheadRows = 500;
/// A transaction of more rows is handed out in pieces of so many; the count alone decides, so that a restart finds the
/// same pieces.
constexpr std::uint32_t kPieceRows = 500;

class BinlogChangeSource final : public ports::ChangeSource {
 public:
  explicit BinlogChangeSource(std::shared_ptr<MysqlDatabase::Shared> shared) : shared_(std::move(shared)) {}

  Status open(const std::optional<LogPosition>& position) override;
  Result<std::optional<ports::LogPiece>> next(milliseconds patience) override;
  LogPosition read_through() override;

 private:
  Status fill(milliseconds patience);
  Status take(LogEvent event);
  Status take_rows(Rows& rows);
  void take_marker(Rows& rows);
  [[nodiscard]] bool holds_rows(const Statement& statement) const;
  Status take_statement(const Statement& statement);
  void mark_unlogged(std::string_view table);
  void end_piece(bool ends_transaction, const LogPosition& position);
  Status resolve();
  void use_schema(std::shared_ptr<Epoch> epoch);
  const openmrs::TablePlan* plan_for(const TableMap& table);
  void mark_cascades(const openmrs::TablePlan& plan, const RowChange& change);

  std::shared_ptr<MysqlDatabase::Shared> shared_;
  std::unique_ptr<BinlogReader> reader_;
  std::unique_ptr<Connection> connection_;
  std::shared_ptr<Epoch> epoch_;
  std::multimap<std::string, std::string>
      cascades_;   ///< table -> tables whose rows go with its rows, unseen by the log
  RawPiece open_;  ///< of the transaction being read
  bool in_transaction_ = false;
  bool reloaded_ = false;        ///< from here on the tables are filled anew
  std::string fingerprint_;      ///< of the last transaction read whole
  std::string begun_;            ///< of the one being read
  LogPosition begun_at_;         ///< before the transaction being read
  std::uint32_t skip_rows_ = 0;  ///< of it, taken before the restart
  std::uint32_t rows_seen_ = 0;
  std::vector<RawPiece> collected_;
  std::size_t collected_rows_ = 0;
  std::deque<ports::LogPiece> ready_;
  LogPosition handed_;
};

std::uint32_t chance_replica_id() {
  std::random_device device;
  return 0x40000000U | (device() & 0x3FFFFFFFU);
}

Status BinlogChangeSource::open(const std::optional<LogPosition>& position) {
  reader_.reset();
  open_ = {};
  collected_.clear();
  collected_rows_ = 0;
  ready_.clear();
  in_transaction_ = reloaded_ = false;
  fingerprint_ = position ? position->fingerprint : std::string();
  OMRSYNC_TRY(connection, shared_->connect());
  connection_ = std::move(connection);
  LogPosition from;
  if (position) {
    from = *position;
  } else {
    OMRSYNC_TRY(end, log_end(*connection_));
    from = std::move(end);
    shared_->schema_changed();  // it may have, unseen; what changes it from here on is met in the log
  }
  OMRSYNC_TRY(epoch, shared_->epoch());
  use_schema(std::move(epoch));
  skip_rows_ = from.piece * kPieceRows;
  ReaderOptions options;
  options.connection = shared_->options.connection;
  options.schemas = {shared_->options.connection.database,
                     marker_schema_name(shared_->options.marker_schema, shared_->options.connection.database)};
  options.replica_id = shared_->options.replica_id != 0 ? shared_->options.replica_id : chance_replica_id();
  if (const auto print = parse_fingerprint(from.fingerprint)) OMRSYNC_CHECK(verify_fingerprint(options, *print));
  LogPosition start = from;
  start.piece = 0;
  OMRSYNC_TRY(reader, BinlogReader::open(options, start));
  reader_ = std::move(reader);
  handed_ = from;
  return Done{};
}

LogPosition BinlogChangeSource::read_through() {
  if (reader_ == nullptr || in_transaction_ || !ready_.empty() || !collected_.empty()) return handed_;
  LogPosition through = reader_->read_through();
  through.piece = 0;
  return through < handed_ ? handed_ : through;
}

Result<std::optional<ports::LogPiece>> BinlogChangeSource::next(milliseconds patience) {
  if (reader_ == nullptr) return Error{Remedy::reconnect, Code::capture_log_broken, "the log is not open"};
  if (ready_.empty() && !reloaded_) OMRSYNC_CHECK(fill(patience));
  if (ready_.empty() && reloaded_) {
    reader_.reset();
    return Error{Remedy::look_first, Code::capture_position_foreign,
                 "tables were dropped or emptied, as when a dump is loaded"};
  }
  if (ready_.empty()) return std::optional<ports::LogPiece>{};
  ports::LogPiece piece = std::move(ready_.front());
  ready_.pop_front();
  handed_ = piece.position;
  return std::optional<ports::LogPiece>(std::move(piece));
}

void BinlogChangeSource::use_schema(std::shared_ptr<Epoch> epoch) {
  epoch_ = std::move(epoch);
  cascades_.clear();
  for (const auto& [name, table] : epoch_->compiled.plans.model().schema)
    for (const openmrs::Column& column : table.columns)
      if (column.cascades_delete) cascades_.emplace(column.references, name);
}

/// Waits for the first event only; what is there at once comes with it. A long transaction is handed out as it is read.
Status BinlogChangeSource::fill(milliseconds patience) {
  while (ready_.empty() && !reloaded_ && collected_.size() < kReadAhead && collected_rows_ < kReadAheadRows) {
    // A transaction that has begun is about to go on; a silent log is waited for only while nothing is collected.
    auto event = reader_->next(collected_.empty() ? patience : milliseconds(0));
    if (!event) return event.error();
    if (!*event) break;
    OMRSYNC_CHECK(take(std::move(**event)));
  }
  return collected_.empty() ? Status{Done{}} : resolve();
}

Status BinlogChangeSource::take(LogEvent event) {
  if (const auto* begin = std::get_if<Begin>(&event)) {
    open_ = {};
    open_.piece.committed_at = milliseconds(std::int64_t{begin->timestamp} * 1000);
    begun_at_ = reader_->read_through();
    begun_ = to_string(fingerprint_of(*begin));
    in_transaction_ = true;
    rows_seen_ = 0;
    return Done{};
  }
  if (auto* rows = std::get_if<Rows>(&event)) return take_rows(*rows);
  if (const auto* statement = std::get_if<Statement>(&event)) {
    return take_statement(*statement);
  }
  if (const auto* unreadable = std::get_if<Unreadable>(&event)) {
    mark_unlogged(unreadable->name.table);
    return Done{};
  }
  if (const auto* commit = std::get_if<Commit>(&event)) {
    if (commit->timestamp != 0) open_.piece.committed_at = milliseconds(std::int64_t{commit->timestamp} * 1000);
    fingerprint_ = begun_;
    end_piece(true, commit->position);
    in_transaction_ = false;
    skip_rows_ = 0;
    return Done{};
  }
  if (std::get_if<Rollback>(&event) != nullptr) {
    open_ = {};
    in_transaction_ = false;
  }
  if (std::get_if<XaPrepared>(&event) != nullptr || std::get_if<XaDecided>(&event) != nullptr) {
    // Prepared rows are shown before they are decided on: their tables are compared once they are (D16).
    for (const RawRow& row : open_.rows) mark_unlogged(row.plan->table->name);
    open_.rows.clear();
    if (std::get_if<XaPrepared>(&event) != nullptr) in_transaction_ = false;
  }
  return Done{};
}

/// The plan for a table of the log. Null: it does not travel, or had another shape when its rows were written than it
/// has now, and is compared as a whole.
const openmrs::TablePlan* BinlogChangeSource::plan_for(const TableMap& table) {
  const openmrs::TablePlan* plan = epoch_->compiled.plans.find(table.table);
  if (plan == nullptr) return nullptr;
  const bool same =
      std::equal(table.columns.begin(), table.columns.end(), plan->table->columns.begin(), plan->table->columns.end(),
                 [](const LogColumn& log, const openmrs::Column& live) { return log.name == live.name; });
  if (same) return plan;
  mark_unlogged(table.table);
  return nullptr;
}

/// Rows that the server deletes by itself are not in the log (D16).
void BinlogChangeSource::mark_cascades(const openmrs::TablePlan& plan, const RowChange& change) {
  if (change.after.empty()) {
    const auto [first, last] = cascades_.equal_range(plan.table->name);
    for (auto child = first; child != last; ++child) mark_unlogged(child->second);
    return;
  }
  if (change.before.empty() || !plan.local || change.before[*plan.local] == change.after[*plan.local]) return;
  for (const auto& [name, table] : epoch_->compiled.plans.model().schema)
    for (const openmrs::Column& column : table.columns)
      if (column.references == plan.table->name) mark_unlogged(name);
}

Status BinlogChangeSource::take_rows(Rows& rows) {
  if (rows.table->schema != shared_->options.connection.database) {
    take_marker(rows);
    return Done{};
  }
  const openmrs::TablePlan* plan = plan_for(*rows.table);
  if (plan == nullptr) return Done{};
  for (RowChange& change : rows.rows) {
    if (rows_seen_++ < skip_rows_) continue;
    mark_cascades(*plan, change);
    if (open_.rows.empty()) open_.epoch = epoch_;
    if (open_.epoch != epoch_) {  // the shape changed within the transaction
      mark_unlogged(rows.table->table);
      continue;
    }
    open_.rows.push_back({plan, std::move(change.before), std::move(change.after)});
    if (open_.piece.marker_key.empty() && rows_seen_ % kPieceRows == 0) {
      LogPosition position = begun_at_;
      position.piece = rows_seen_ / kPieceRows;
      end_piece(false, position);
      if (collected_rows_ >= kReadAheadRows) OMRSYNC_CHECK(resolve());
    }
  }
  return Done{};
}

/// Our own row beside an apply transaction: its key first, its payload before the commit (D7).
void BinlogChangeSource::take_marker(Rows& rows) {
  if (rows.table->table != "marker" || rows.kind == RowsKind::deleted) return;
  for (const RowChange& change : rows.rows) {
    if (change.after.size() < 2 || !change.after[0]) continue;
    open_.piece.marker_key = *change.after[0];
    if (change.after[1]) open_.piece.marker_payload = *change.after[1];
  }
}

void BinlogChangeSource::mark_unlogged(std::string_view table) {
  std::vector<std::string>& marked = open_.piece.unlogged_tables;
  const auto mark = [&](const std::string& root) {
    if (std::find(marked.begin(), marked.end(), root) == marked.end()) marked.push_back(root);
  };
  if (table.empty()) {
    for (const openmrs::Root& root : epoch_->compiled.plans.model().roots) mark(root.root.table);
  } else if (const openmrs::TablePlan* plan = epoch_->compiled.plans.find(table)) {
    mark(plan->root->root.table);
  }
}

/// True when a table that travels is among those named.
bool BinlogChangeSource::holds_rows(const Statement& statement) const {
  return statement.tables.empty() ||
         std::any_of(statement.tables.begin(), statement.tables.end(), [&](const TableName& name) {
           return name.schema == shared_->options.connection.database &&
                  epoch_->compiled.plans.find(name.table) != nullptr;
         });
}

Status BinlogChangeSource::take_statement(const Statement& statement) {
  const std::string& database = shared_->options.connection.database;
  const bool empties = statement.kind == Statement::Kind::drop || statement.kind == Statement::Kind::truncate;
  const bool changes_shape = statement.kind != Statement::Kind::truncate && statement.kind != Statement::Kind::dml;
  const bool ours = statement.tables.empty()
                        ? statement.schema == database
                        : std::any_of(statement.tables.begin(), statement.tables.end(),
                                      [&](const TableName& name) { return name.schema == database; });
  if (!ours) return Done{};
  if (empties && holds_rows(statement)) {  // a dump is loaded, as far as one can tell (D25)
    reloaded_ = true;
    return Done{};
  }
  if (changes_shape) {
    shared_->schema_changed();
    OMRSYNC_TRY(fresh, shared_->epoch());
    use_schema(std::move(fresh));
  }
  if (statement.tables.empty()) mark_unlogged("");
  for (const TableName& name : statement.tables)
    if (name.schema == database) mark_unlogged(name.table);
  return Done{};
}

void BinlogChangeSource::end_piece(bool ends_transaction, const LogPosition& position) {
  RawPiece piece = std::move(open_);
  open_ = {};
  open_.piece.committed_at = piece.piece.committed_at;
  piece.piece.position = position;
  piece.piece.position.fingerprint = fingerprint_;
  piece.piece.ends_transaction = ends_transaction;
  const bool says_something =
      !piece.rows.empty() || !piece.piece.unlogged_tables.empty() || !piece.piece.marker_key.empty();
  if (!says_something) return;
  if (piece.epoch == nullptr) piece.epoch = epoch_;
  collected_rows_ += piece.rows.size();
  collected_.push_back(std::move(piece));
}

/// Pieces that follow one another and were read with one schema are resolved together.
Status BinlogChangeSource::resolve() {
  for (std::size_t from = 0; from < collected_.size();) {
    std::size_t to = from + 1;
    while (to < collected_.size() && collected_[to].epoch == collected_[from].epoch) ++to;
    PieceResolver resolver(*connection_, collected_[from].epoch->compiled, shared_->cache, shared_->aliases());
    const Status resolved = resolver.resolve(std::span(collected_).subspan(from, to - from));
    if (!resolved) return shared_->explain(*connection_, resolved.error());
    from = to;
  }
  for (RawPiece& piece : collected_) ready_.push_back(std::move(piece.piece));
  collected_.clear();
  collected_rows_ = 0;
  return Done{};
}

}  // namespace

std::unique_ptr<ports::ChangeSource> make_change_source(std::shared_ptr<MysqlDatabase::Shared> shared) {
  return std::make_unique<BinlogChangeSource>(std::move(shared));
}

}  // namespace omrsync::mysql
