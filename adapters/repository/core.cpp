#include "adapters/repository/core.h"

#include <algorithm>

#include "adapters/openmrs/declarations.h"
#include "protocol/root_bytes.h"
#include "protocol/varint.h"

namespace omrsync::repository {

Core::Core(ports::Store& the_store, ports::Clock& the_clock, Options the_options)
    : store(the_store),
      clock(the_clock),
      options(std::move(the_options)),
      references(*options.model),
      hash(options.hash_key) {}

bool Core::never_travels(std::string_view table, std::string_view column) const {
  return std::any_of(options.never.begin(), options.never.end(), [&](const openmrs::Excluded& each) {
    return each.column == column && openmrs::matches(each.table, table);
  });
}

ports::RootContent Core::content_of(const Row& row) const {
  ports::RootContent content;
  content.local_id = row.number;
  for (const auto& [name, value] : row.groups) content.groups[name] = {value, hash(value)};
  return content;
}

bool Core::lock(const std::string& name, const void* unit) {
  const std::lock_guard guard(mutex_);
  return locks_.emplace(name, unit).first->second == unit;
}

void Core::unlock_all(const void* unit) {
  const std::lock_guard guard(mutex_);
  std::erase_if(locks_, [&](const auto& each) { return each.second == unit; });
}

std::uint64_t Core::rings() {
  const std::lock_guard guard(mutex_);
  return rings_;
}

void Core::ring() {
  {
    const std::lock_guard guard(mutex_);
    ++rings_;
  }
  changed_.notify_all();
}

void Core::wait(std::uint64_t seen, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return rings_ != seen; });
}

std::string number_key(std::uint64_t number) {
  std::string bytes;
  append_u64(bytes, number);
  return bytes;
}

Result<std::uint64_t> meta_number(ports::StoreTransaction& tx, std::string_view name) {
  OMRSYNC_TRY(bytes, tx.get(tables::kMeta, name));
  std::string_view rest = bytes ? std::string_view(*bytes) : std::string_view();
  return take_u64(rest).value_or(0);
}

Result<std::optional<Row>> row_of(ports::StoreTransaction& tx, const RootKey& root) {
  OMRSYNC_TRY(bytes, tx.get(tables::kRows, root_bytes(root)));
  if (!bytes) return std::optional<Row>();
  OMRSYNC_TRY(row, decode_row(*bytes));
  return std::optional<Row>(std::move(row));
}

ports::LogPosition position_of(std::uint64_t commits) { return {"repository", commits, {}}; }

}  // namespace omrsync::repository
