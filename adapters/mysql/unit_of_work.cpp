#include "adapters/mysql/unit_of_work.h"

#include <map>

#include "adapters/mysql/snapshot_rows.h"
#include "adapters/mysql/unit_of_work_names.h"
#include "adapters/mysql/unit_of_work_purge.h"
#include "adapters/mysql/unit_of_work_write.h"

namespace omrsync::mysql {
namespace {

class MysqlUnitOfWork : public ports::UnitOfWork {
 public:
  MysqlUnitOfWork(std::shared_ptr<MysqlDatabase::Shared> shared, std::shared_ptr<Epoch> epoch,
                  std::unique_ptr<Connection> connection)
      : shared_(std::move(shared)),
        epoch_(std::move(epoch)),
        connection_(std::move(connection)),
        aliases_(std::make_shared<Aliases>(*shared_->aliases())),
        references_(epoch_->compiled, &shared_->cache, aliases_) {}

  ~MysqlUnitOfWork() override {
    if (usable_ && connection_->rollback()) shared_->give_back(std::move(connection_));
  }

  Result<bool> mark(const std::string& key) override {
    const auto inserted = connection_->execute("INSERT INTO " + marker_table(shared_->options, "marker") +
                                               " (set_key) VALUES (" + quote_bytes(key) + ")");
    if (inserted) {
      marker_ = key;
      return true;
    }
    if (connection_->last_error() == 1062) return false;
    return failed(inserted.error());
  }

  Result<std::vector<std::optional<ports::RootContent>>> lock_read(std::span<const RootKey> roots) override {
    auto read = read_locked(roots);
    if (!read) return failed(read.error());
    return read;
  }

  Result<ports::PutOutcome> put(std::span<const ports::RootWrite> writes) override {
    auto outcome = put_all(writes);
    if (!outcome) return failed(outcome.error());
    return outcome;
  }

  Status commit(const std::string& payload) override {
    if (!marker_.empty()) {
      const auto stored =
          connection_->execute("UPDATE " + marker_table(shared_->options, "marker") +
                               " SET payload = " + quote_bytes(payload) + " WHERE set_key = " + quote_bytes(marker_));
      if (!stored) return failed(stored.error());
    }
    // Capture may meet the transaction before `commit` returns, and must know both names of its rows by then.
    for (const auto& [from, to] : new_aliases_) shared_->add_alias(from.first, from.second, to);
    const Status done = connection_->commit();
    if (done || done.error().remedy == Remedy::look_first)
      for (const RootKey& root : ended_aliases_) shared_->drop_alias(root.table, root.key);
    if (done) return done;
    if (done.error().remedy != Remedy::look_first)
      for (const auto& [from, to] : new_aliases_) shared_->drop_alias(from.first, from.second);
    return failed(done.error());
  }

 private:
  /// After a failure nothing of the transaction is left, and no lock of it.
  Error failed(const Error& error) {
    const Error explained = shared_->explain(*connection_, error);
    if (error.remedy == Remedy::reconnect || error.remedy == Remedy::look_first || !connection_->rollback()) {
      usable_ = false;
      shared_->schema_changed();  // another database may answer next
    }
    return explained;
  }

  Result<std::vector<std::optional<ports::RootContent>>> read_locked(std::span<const RootKey> roots) {
    RootReader reader(*connection_, epoch_->compiled, references_, aliases_, true);
    OMRSYNC_TRY(found, reader.read(roots));
    std::vector<RawRoot> there;
    for (std::optional<RawRoot>& root : found)
      if (root) there.push_back(std::move(*root));
    OMRSYNC_TRY(contents, reader.contents(there));
    std::vector<std::optional<ports::RootContent>> out(roots.size());
    for (std::size_t i = 0, next = 0; i < roots.size(); ++i) {
      std::optional<RawRoot>& known = known_[roots[i]];
      known.reset();
      if (!found[i]) continue;
      there[next].name_owned(references_);
      known = std::move(there[next]);
      out[i] = std::move(contents[next++]);
    }
    return out;
  }

  /// A remembered number may be of a row that is gone by now, or stands under another one: then all is done once more,
  /// and nothing is remembered.
  Result<ports::PutOutcome> put_all(std::span<const ports::RootWrite> writes) {
    OMRSYNC_CHECK(read_unknown(writes));
    OMRSYNC_CHECK(connection_->execute("SAVEPOINT put"));
    bool target_gone = false;
    OMRSYNC_TRY(outcome, put_once(writes, references_, target_gone));
    if (!target_gone) return outcome;
    OMRSYNC_CHECK(connection_->execute("ROLLBACK TO SAVEPOINT put"));
    shared_->cache.clear();
    References fresh(epoch_->compiled, nullptr, aliases_);
    return put_once(writes, fresh, target_gone);
  }

  Result<ports::PutOutcome> put_once(std::span<const ports::RootWrite> writes, References& references,
                                     bool& target_gone) {
    for (int round = 0;; ++round) {
      PutWork work = plan_rows(epoch_->compiled, writes, known_roots(writes));
      RowWriter writer(*connection_, epoch_->compiled, references);
      OMRSYNC_CHECK(writer.resolve(work));
      NameKeeper names(*connection_, epoch_->compiled, shared_->options.site);
      OMRSYNC_CHECK(names.settle(work));
      if (!names.aliases().empty() && round < 3) {
        OMRSYNC_CHECK(take_aliases(writes, names.aliases()));
        continue;
      }
      work.outcome.notices.insert(work.outcome.notices.end(), notices_.begin(), notices_.end());
      OMRSYNC_CHECK(write(work, writer, names));
      target_gone = writer.target_gone();
      if (work.outcome.problems.empty()) tell_hashes(epoch_->compiled, work);
      return std::move(work.outcome);
    }
  }

  Status write(PutWork& work, RowWriter& writer, NameKeeper& names) {
    const auto sound = [&] { return work.outcome.problems.empty(); };
    if (sound()) OMRSYNC_CHECK(writer.insert(work));
    if (sound()) OMRSYNC_CHECK(writer.update(work));
    Purger purger(*connection_, epoch_->compiled);
    if (sound()) OMRSYNC_CHECK(purger.remove_owned(work));
    if (sound()) OMRSYNC_CHECK(purger.purge(work));
    if (sound()) OMRSYNC_CHECK(end_aliases(work));
    if (sound()) OMRSYNC_CHECK(names.note_identifiers(work));
    return Done{};
  }

  /// A row that only stands for a purged one stays, and stands for it no longer.
  Status end_aliases(const PutWork& work) {
    for (const std::size_t write : work.purges) {
      if (!work.roots[write]->by_alias()) continue;
      const RootKey& root = work.writes[write].root;
      OMRSYNC_CHECK(connection_->execute("DELETE FROM " + marker_table(shared_->options, "alias") +
                                         " WHERE root_table = " + quote_text(root.table) +
                                         " AND uuid = " + quote_text(root.key)));
      ended_aliases_.push_back(root);
    }
    return Done{};
  }

  Status read_unknown(std::span<const ports::RootWrite> writes) {
    std::vector<RootKey> unknown;
    for (const ports::RootWrite& write : writes)
      if (!known_.contains(write.root)) unknown.push_back(write.root);
    if (unknown.empty()) return Done{};
    OMRSYNC_TRY(read, read_locked(unknown));
    return Done{};
  }

  [[nodiscard]] std::vector<const RawRoot*> known_roots(std::span<const ports::RootWrite> writes) const {
    std::vector<const RawRoot*> roots;
    for (const ports::RootWrite& write : writes) {
      const auto known = known_.find(write.root);
      roots.push_back(known == known_.end() || !known->second ? nullptr : &*known->second);
    }
    return roots;
  }

  Status take_aliases(std::span<const ports::RootWrite> writes,
                      const std::vector<std::pair<std::size_t, std::string>>& aliases) {
    std::vector<RootKey> roots;
    for (const auto& [write, local] : aliases) {
      const RootKey& root = writes[write].root;
      (*aliases_)[{root.table, root.key}] = local;
      new_aliases_[{root.table, root.key}] = local;
      notices_.push_back({ports::PutNotice::Kind::alias, root, {root.table, local}});
      OMRSYNC_CHECK(connection_->execute("INSERT IGNORE INTO " + marker_table(shared_->options, "alias") + " VALUES (" +
                                         quote_text(root.table) + ", " + quote_text(root.key) + ", " +
                                         quote_text(local) + ")"));
      roots.push_back(root);
    }
    OMRSYNC_TRY(read, read_locked(roots));
    return Done{};
  }

  std::shared_ptr<MysqlDatabase::Shared> shared_;
  std::shared_ptr<Epoch> epoch_;
  std::unique_ptr<Connection> connection_;
  std::shared_ptr<Aliases> aliases_;
  References references_;
  std::map<RootKey, std::optional<RawRoot>> known_;  ///< read under lock
  Aliases new_aliases_;
  std::vector<RootKey> ended_aliases_;
  std::vector<ports::PutNotice> notices_;
  std::string marker_;
  bool usable_ = true;
};

}  // namespace

Result<std::unique_ptr<ports::UnitOfWork>> begin_unit_of_work(std::shared_ptr<MysqlDatabase::Shared> shared) {
  OMRSYNC_TRY(connection, shared->connect());
  OMRSYNC_TRY(epoch, shared->epoch());
  OMRSYNC_CHECK(connection->execute("SET SESSION innodb_lock_wait_timeout = 0"));
  OMRSYNC_CHECK(connection->execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED"));
  OMRSYNC_CHECK(connection->begin());
  return std::unique_ptr<ports::UnitOfWork>(
      new MysqlUnitOfWork(std::move(shared), std::move(epoch), std::move(connection)));
}

}  // namespace omrsync::mysql
