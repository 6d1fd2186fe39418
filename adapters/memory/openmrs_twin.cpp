#include "adapters/memory/openmrs_twin.h"

#include <algorithm>
#include <array>

#include "adapters/memory/openmrs_source.h"
#include "adapters/memory/openmrs_unit.h"

namespace omrsync::memory {
namespace {

std::array<std::uint8_t, 16> key_of(std::uint64_t secret) {
  std::array<std::uint8_t, 16> key{};
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<std::uint8_t>(secret >> (8 * i));
  return key;
}

std::string file_name(std::uint32_t number) {
  const std::string digits = std::to_string(number);
  return "twin-bin." + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

}  // namespace

class TwinSnapshot final : public ports::Snapshot {
 public:
  TwinSnapshot(OpenmrsTwin& twin, ports::LogPosition position, std::shared_ptr<const TwinRows> rows)
      : twin_(twin), position_(std::move(position)), rows_(std::move(rows)) {}

  [[nodiscard]] const ports::LogPosition& position() const noexcept override { return position_; }

  Result<std::vector<std::optional<ports::RootContent>>> read(std::span<const RootKey> roots) override {
    OMRSYNC_CHECK(twin_.enter(TwinCall::read));
    std::vector<std::optional<ports::RootContent>> contents;
    for (const RootKey& root : roots) {
      const auto row = rows_->find(root);
      contents.push_back(row == rows_->end() ? std::nullopt : std::optional(twin_content(*row->second, twin_)));
    }
    return contents;
  }

  Result<ports::Page> page(const std::string& table, const std::string& after, std::size_t limit) override {
    OMRSYNC_CHECK(twin_.enter(TwinCall::page));
    const std::uint64_t behind = after.empty() ? 0 : std::stoull(after);
    std::map<std::uint64_t, const TwinRows::value_type*> by_id;
    for (const auto& each : *rows_)
      if (each.first.table == table && each.second->local_id > behind) by_id.emplace(each.second->local_id, &each);
    ports::Page page;
    for (const auto& [id, each] : by_id) {
      if (page.roots.size() == limit) {
        page.next = std::to_string(page.roots.back().content.local_id);
        break;
      }
      page.roots.push_back({each->first, twin_content(*each->second, twin_)});
    }
    page.rows = page.roots.size();
    return page;
  }

 private:
  OpenmrsTwin& twin_;
  ports::LogPosition position_;
  std::shared_ptr<const TwinRows> rows_;
};

std::string row_of(const GroupName& group) {
  if (group.find('/') == GroupName::npos && group.find('#') == GroupName::npos) return {};
  return group.substr(0, group.find('#'));
}

ports::LogPosition twin_position(const TwinCommit& commit) {
  return {file_name(commit.file), commit.offset, std::to_string(commit.chain), 0};
}

ports::RootContent twin_content(const TwinRow& row, const OpenmrsTwin& twin) {
  ports::RootContent content;
  content.local_id = row.local_id;
  for (const auto& [name, value] : row.groups)
    content.groups.emplace(name, ports::GroupContent{value, twin.hash(value)});
  return content;
}

OpenmrsTwin::OpenmrsTwin(std::vector<TwinTable> schema, std::uint64_t secret, ports::Clock& clock)
    : schema_(std::move(schema)), hash_(key_of(secret)), clock_(clock) {}

OpenmrsTwin::~OpenmrsTwin() = default;

Status OpenmrsTwin::enter(TwinCall call) {
  if (before_call) before_call(call);
  if (fault)
    if (auto error = fault(call)) return *std::move(error);
  return Done{};
}

const TwinTable* OpenmrsTwin::find_table(const std::string& table) const {
  for (const TwinTable& each : schema_)
    if (each.table.table == table) return &each;
  return nullptr;
}

ports::LogPosition OpenmrsTwin::end_position() const {
  return {file_name(state_.file), state_.offset, std::to_string(state_.chain), 0};
}

void OpenmrsTwin::append(TwinCommit commit) {
  state_.offset += 40 + 100 * commit.roots.size();
  commit.file = state_.file;
  commit.offset = state_.offset;
  commit.committed_at = clock_.utc();
  ++commits_ever_;
  commit.chain = state_.chain = hash_(std::to_string(state_.chain) + ' ' + std::to_string(commits_ever_));
  state_.log.push_back(std::make_shared<const TwinCommit>(std::move(commit)));
}

Result<std::vector<ports::RootTable>> OpenmrsTwin::tables() {
  OMRSYNC_CHECK(enter(TwinCall::tables));
  std::vector<ports::RootTable> tables;
  for (const TwinTable& each : schema_) tables.push_back(each.table);
  return tables;
}

Result<std::unique_ptr<ports::Snapshot>> OpenmrsTwin::snapshot() {
  OMRSYNC_CHECK(enter(TwinCall::snapshot));
  const std::scoped_lock guard(mutex_);
  return std::unique_ptr<ports::Snapshot>(std::make_unique<TwinSnapshot>(*this, end_position(), state_.rows));
}

Result<std::unique_ptr<ports::UnitOfWork>> OpenmrsTwin::begin() {
  OMRSYNC_CHECK(enter(TwinCall::begin));
  return std::unique_ptr<ports::UnitOfWork>(std::make_unique<TwinUnit>(*this));
}

Result<ports::LogPosition> OpenmrsTwin::log_end() {
  OMRSYNC_CHECK(enter(TwinCall::log_end));
  const std::scoped_lock guard(mutex_);
  return end_position();
}

Result<std::uint64_t> OpenmrsTwin::count(const std::string& table) {
  OMRSYNC_CHECK(enter(TwinCall::tables));
  const std::scoped_lock guard(mutex_);
  return static_cast<std::uint64_t>(std::count_if(state_.rows->begin(), state_.rows->end(),
                                                  [&](const auto& each) { return each.first.table == table; }));
}

Status OpenmrsTwin::forget_markers(std::span<const std::string> keys) {
  OMRSYNC_CHECK(enter(TwinCall::markers));
  const std::scoped_lock guard(mutex_);
  if (state_.markers.empty()) return Done{};
  const std::string newest = state_.markers.back();
  std::erase_if(state_.markers, [&](const std::string& key) {
    return key != newest && std::find(keys.begin(), keys.end(), key) != keys.end();
  });
  return Done{};
}

Result<std::vector<std::string>> OpenmrsTwin::markers() {
  OMRSYNC_CHECK(enter(TwinCall::markers));
  const std::scoped_lock guard(mutex_);
  return state_.markers;
}

Result<std::string> OpenmrsTwin::signature() {
  OMRSYNC_CHECK(enter(TwinCall::markers));
  const std::scoped_lock guard(mutex_);
  return state_.signature;
}

Status OpenmrsTwin::sign(const std::string& signature) {
  OMRSYNC_CHECK(enter(TwinCall::markers));
  const std::scoped_lock guard(mutex_);
  state_.signature = signature;
  return Done{};
}

std::unique_ptr<ports::ChangeSource> OpenmrsTwin::changes() { return std::make_unique<TwinSource>(*this); }

std::shared_ptr<const TwinRows> OpenmrsTwin::rows() const {
  const std::scoped_lock guard(mutex_);
  return state_.rows;
}

std::shared_ptr<const TwinRow> OpenmrsTwin::find(const RootKey& root) const {
  const auto all = rows();
  const auto row = all->find(root);
  return row == all->end() ? nullptr : row->second;
}

TwinState OpenmrsTwin::backup() const {
  const std::scoped_lock guard(mutex_);
  return state_;
}

void OpenmrsTwin::restore_files(const TwinState& backup) {
  const std::scoped_lock guard(mutex_);
  state_ = backup;
}

void OpenmrsTwin::restore_dump(const TwinState& backup) {
  const std::scoped_lock guard(mutex_);
  state_.rows = backup.rows;
  TwinCommit commit;
  commit.reloaded = true;
  append(std::move(commit));
}

void OpenmrsTwin::write_unlogged(const ports::RootWrite& write) {
  const std::scoped_lock guard(mutex_);
  auto rows = std::make_shared<TwinRows>(*state_.rows);
  if (write.purge) {
    rows->erase(write.root);
  } else {
    auto row = std::make_shared<TwinRow>();
    if (const auto old = rows->find(write.root); old != rows->end()) {
      *row = *old->second;
    } else {
      row->local_id = ++state_.last_local_id;
    }
    for (const auto& [name, value] : write.groups) {
      if (value) {
        row->groups[name] = *value;
      } else {
        row->groups.erase(name);
      }
    }
    (*rows)[write.root] = std::move(row);
  }
  state_.rows = std::move(rows);
}

void OpenmrsTwin::log_unlogged(std::vector<std::string> tables) {
  const std::scoped_lock guard(mutex_);
  TwinCommit commit;
  commit.unlogged_tables = std::move(tables);
  append(std::move(commit));
}

void OpenmrsTwin::purge_log() {
  const std::scoped_lock guard(mutex_);
  state_.purged = state_.log.size();
}

void OpenmrsTwin::rotate_log() {
  const std::scoped_lock guard(mutex_);
  ++state_.file;
  state_.offset = 4;
}

}  // namespace omrsync::memory
