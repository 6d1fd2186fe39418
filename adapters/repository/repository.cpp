#include "adapters/repository/repository.h"

#include <algorithm>

#include "adapters/repository/changes.h"
#include "adapters/repository/core.h"
#include "adapters/repository/unit.h"
#include "protocol/root_bytes.h"

namespace omrsync::repository {
namespace {

class RepositorySnapshot final : public ports::Snapshot {
 public:
  RepositorySnapshot(const Core& core, std::unique_ptr<ports::StoreTransaction> tx, std::uint64_t commits)
      : core_(core), tx_(std::move(tx)), position_(position_of(commits)) {}

  [[nodiscard]] const ports::LogPosition& position() const noexcept override { return position_; }

  Result<std::vector<std::optional<ports::RootContent>>> read(std::span<const RootKey> roots) override {
    std::vector<std::optional<ports::RootContent>> contents;
    contents.reserve(roots.size());
    for (const RootKey& root : roots) {
      OMRSYNC_TRY(row, row_of(*tx_, root));
      contents.push_back(row ? std::optional(core_.content_of(*row)) : std::nullopt);
    }
    return contents;
  }

  Result<ports::Page> page(const std::string& table, const std::string& after, std::size_t limit) override {
    ports::Page page;
    const std::string first = table + '\0';
    Status read = Done{};
    std::string last;
    const auto take = [&](const ports::Entry& entry) {
      if (page.roots.size() == limit) {
        page.next = last;
        return false;
      }
      const auto row = decode_row(entry.value);
      if (!row) {
        read = row.error();
        return false;
      }
      page.roots.push_back({root_from(entry.key), core_.content_of(*row)});
      last = entry.key;
      return true;
    };
    OMRSYNC_CHECK(tx_->scan(tables::kRows, after.empty() ? first : ports::after(after), ports::end_of_prefix(first),
                            limit + 1, take));
    OMRSYNC_CHECK(read);
    page.rows = page.roots.size();
    return page;
  }

 private:
  const Core& core_;
  const std::unique_ptr<ports::StoreTransaction> tx_;
  const ports::LogPosition position_;
};

}  // namespace

Repository::Repository(ports::Store& store, ports::Clock& clock, Options options)
    : core_(std::make_unique<Core>(store, clock, std::move(options))) {}

Repository::~Repository() = default;

Result<std::vector<ports::RootTable>> Repository::tables() {
  std::vector<ports::RootTable> tables;
  for (const openmrs::Root& root : core_->options.model->roots) tables.push_back({root.root.table, root.kind});
  const std::size_t known = tables.size();
  OMRSYNC_TRY(tx, core_->store.read());
  OMRSYNC_CHECK(
      tx->scan(tables::kMeta, kCountOf, ports::end_of_prefix(kCountOf), SIZE_MAX, [&](const ports::Entry& entry) {
        const std::string name(entry.key.substr(kCountOf.size()));
        const auto end = tables.begin() + static_cast<std::ptrdiff_t>(known);
        if (std::none_of(tables.begin(), end, [&](const auto& t) { return t.table == name; }))
          tables.push_back({name, ports::RootTable::Class::clinical});
        return true;
      }));
  return tables;
}

Result<std::unique_ptr<ports::Snapshot>> Repository::snapshot() {
  OMRSYNC_TRY(tx, core_->store.read());
  OMRSYNC_TRY(commits, meta_number(*tx, kCommits));
  return std::unique_ptr<ports::Snapshot>(std::make_unique<RepositorySnapshot>(*core_, std::move(tx), commits));
}

Result<std::unique_ptr<ports::UnitOfWork>> Repository::begin() {
  return std::unique_ptr<ports::UnitOfWork>(std::make_unique<Unit>(*core_));
}

Result<ports::LogPosition> Repository::log_end() {
  OMRSYNC_TRY(tx, core_->store.read());
  OMRSYNC_TRY(commits, meta_number(*tx, kCommits));
  return position_of(commits);
}

Result<std::uint64_t> Repository::count(const std::string& table) {
  OMRSYNC_TRY(tx, core_->store.read());
  return meta_number(*tx, std::string(kCountOf) + table);
}

Status Repository::forget_markers(std::span<const std::string> keys) {
  OMRSYNC_TRY(tx, core_->store.write());
  std::string newest;
  std::string its_number;
  OMRSYNC_CHECK(tx->scan(tables::kMarkers, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    if (entry.value > its_number) newest = entry.key, its_number = entry.value;
    return true;
  }));
  for (const std::string& key : keys)
    if (key != newest) OMRSYNC_CHECK(tx->erase(tables::kMarkers, key, ports::after(key)));
  return tx->commit();
}

Result<std::vector<std::string>> Repository::markers() {
  std::vector<std::string> keys;
  OMRSYNC_TRY(tx, core_->store.read());
  OMRSYNC_CHECK(tx->scan(tables::kMarkers, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    keys.emplace_back(entry.key);
    return true;
  }));
  return keys;
}

Result<std::string> Repository::signature() {
  OMRSYNC_TRY(tx, core_->store.read());
  OMRSYNC_TRY(text, tx->get(tables::kMeta, kSignature));
  return text.value_or("");
}

Status Repository::sign(const std::string& signature) {
  OMRSYNC_TRY(tx, core_->store.write());
  OMRSYNC_CHECK(tx->put(tables::kMeta, kSignature, signature));
  return tx->commit();
}

std::unique_ptr<ports::ChangeSource> Repository::changes() { return std::make_unique<Changes>(*core_); }

}  // namespace omrsync::repository
