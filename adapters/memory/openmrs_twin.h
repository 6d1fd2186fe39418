#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/memory/openmrs_rows.h"
#include "adapters/ports/clock.h"
#include "adapters/ports/openmrs.h"
#include "protocol/digest.h"

namespace omrsync::memory {

/// Calls of the OpenMRS ports, for whoever acts or fails before one.
enum class TwinCall { tables, snapshot, read, page, begin, mark, lock_read, put, commit, log_end, markers, open, next };

/// What becomes of a commit.
enum class CommitFault {
  none,
  refused,           ///< nothing happens, and it says so (`retry_later`)
  done_but_unknown,  ///< it happens, the answer is lost (`look_first`)
  lost_and_unknown,  ///< nothing happens, the answer is lost (`look_first`)
};

class TwinTransaction;

/// OpenMRS's database in memory, transactional at row-group level: rows are root -> group -> value with a commit log,
/// snapshots, and locks that nobody waits for. Thread-safe; ends after all that it handed out, but for snapshots.
class OpenmrsTwin final : public ports::OpenmrsDatabase {
 public:
  /// `secret` keys the hashes. `clock` gives the log's stamps.
  OpenmrsTwin(std::vector<TwinTable> schema, std::uint64_t secret, ports::Clock& clock);
  ~OpenmrsTwin() override;

  Result<std::vector<ports::RootTable>> tables() override;
  Result<std::unique_ptr<ports::Snapshot>> snapshot() override;
  Result<std::unique_ptr<ports::UnitOfWork>> begin() override;
  Result<ports::LogPosition> log_end() override;
  Result<std::uint64_t> count(const std::string& table) override;
  Status forget_markers(std::span<const std::string> keys) override;
  Result<std::vector<std::string>> markers() override;
  Result<std::string> signature() override;
  Status sign(const std::string& signature) override;

  /// A reader of the log of its own.
  [[nodiscard]] std::unique_ptr<ports::ChangeSource> changes();

  /// As one sees it now without a transaction; null: not there.
  [[nodiscard]] std::shared_ptr<const TwinRow> find(const RootKey& root) const;
  [[nodiscard]] std::shared_ptr<const TwinRows> rows() const;
  [[nodiscard]] std::uint64_t hash(std::string_view value) const { return hash_(value); }
  [[nodiscard]] const std::vector<TwinTable>& schema() const noexcept { return schema_; }

  /// What a backup taken now holds. O(commits), rows are shared.
  [[nodiscard]] TwinState backup() const;
  /// The data directory of a backup is put back: rows, markers, log, positions. New commits reuse the log's places.
  void restore_files(const TwinState& backup);
  /// A dump is loaded over the database: the rows go back, markers and log stay, and the log shows the tables dropped.
  void restore_dump(const TwinState& backup);

  /// Changes rows as a cascading key or a statement-format session does: no log entry. Group without value: row
  /// deleted.
  void write_unlogged(const ports::RootWrite& write);
  /// The log only says that these tables changed (D16); the rows are changed by `write_unlogged`.
  void log_unlogged(std::vector<std::string> tables);
  /// PURGE BINARY LOGS: everything committed so far can no longer be read.
  void purge_log();
  /// A new log file begins.
  void rotate_log();

  /// Called before each port call without any lock held: here the clinician acts.
  std::function<void(TwinCall)> before_call;
  /// An error makes the call fail with it, without effect.
  std::function<std::optional<Error>(TwinCall)> fault;
  std::function<CommitFault()> commit_fault;
  /// A site's trigger: more writes, logged with the transaction that made `row`.
  std::function<std::vector<ports::RootWrite>(const RootKey& root)> trigger;
  /// What the column holds of a value written by a unit of work.
  std::function<GroupValue(const RootKey&, const GroupName&, GroupValue)> clip;
  /// The session of a node that waits for locks: the other transaction becomes the victim of the deadlock that follows.
  bool units_wait_for_locks = false;
  /// Opening a purged place of the log succeeds; the first read fails, as with a real server.
  bool tells_purge_late = false;
  /// The session of a node that switched the server's foreign keys off: it deletes whatever refers to a row or not.
  bool deletes_unguarded = false;
  /// Transactions of more roots are handed out in pieces (never those with a marker).
  std::size_t piece_roots = 500;

 private:
  friend class TwinTransaction;
  friend class TwinSource;
  friend class TwinUnit;
  friend class TwinSnapshot;

  struct Lock {
    std::uint64_t exclusive = 0;
    std::set<std::uint64_t> shared;
  };

  Status enter(TwinCall call);
  const TwinTable* find_table(const std::string& table) const;
  ports::LogPosition end_position() const;
  void append(TwinCommit commit);

  const std::vector<TwinTable> schema_;
  const KeyedHash hash_;
  ports::Clock& clock_;
  mutable std::mutex mutex_;  ///< of all below
  TwinState state_;
  std::map<RootKey, Lock> locks_;
  std::set<std::uint64_t> victims_;  ///< transactions that the server has rolled back
  std::set<std::string> open_markers_;
  std::uint64_t last_transaction_ = 0;
  std::uint64_t commits_ever_ = 0;  ///< restores included, so that a fingerprint never comes back
};

[[nodiscard]] ports::LogPosition twin_position(const TwinCommit& commit);
[[nodiscard]] ports::RootContent twin_content(const TwinRow& row, const OpenmrsTwin& twin);

}  // namespace omrsync::memory
