#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/repository/core.h"

namespace omrsync::repository {

/// What is to be committed, gathered without touching the store: it is written in one store transaction at the end.
/// `mark` may be left out, as a writer that is not the node would do.
class Unit final : public ports::UnitOfWork {
 public:
  explicit Unit(Core& core) : core_(core) {}
  ~Unit() override { core_.unlock_all(this); }
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  Result<bool> mark(const std::string& key) override;
  Result<std::vector<std::optional<ports::RootContent>>> lock_read(std::span<const RootKey> roots) override;
  Result<ports::PutOutcome> put(std::span<const ports::RootWrite> writes) override;
  Status commit(const std::string& payload) override;

 private:
  struct Held {
    std::optional<Row> before;  ///< as it is in the store
    std::optional<Row> now;
  };

  Status usable() const;
  Error end(Error error);
  Result<Held*> hold(ports::StoreTransaction& tx, const RootKey& root);
  Result<ports::PutOutcome> put_all(ports::StoreTransaction& tx, std::span<const ports::RootWrite> writes);
  [[nodiscard]] GroupValue travelling(const RootKey& root, const GroupName& group, const GroupValue& value) const;
  Status purge(ports::StoreTransaction& tx, std::vector<const ports::RootWrite*> waiting,
               std::vector<ports::PutNotice>& notices);
  Result<std::vector<RootKey>> referrers(ports::StoreTransaction& tx, const RootKey& root, const Row& row) const;
  void keep(const RootKey& root, Row& row) const;
  [[nodiscard]] std::map<GroupName, std::uint64_t> hashes_of(const ports::RootWrite& write) const;

  Status write_all(ports::StoreTransaction& tx, const std::string& payload);
  Status write_row(ports::StoreTransaction& tx, const RootKey& root, Held& held);
  Status write_log(ports::StoreTransaction& tx, const std::string& payload);
  [[nodiscard]] ports::RootChange change_of(const RootKey& root, const Held& held) const;

  Core& core_;
  std::map<RootKey, Held> rows_;
  std::string marker_;
  bool refused_ = false;  ///< nothing may be committed
  bool over_ = false;
};

}  // namespace omrsync::repository
