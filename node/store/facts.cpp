#include "node/store/facts.h"

#include <map>

#include "protocol/digest.h"

namespace omrsync::node {

using ports::StoreTransaction;

Result<std::uint64_t> take_number(StoreTransaction& tx, std::string_view counter) {
  OMRSYNC_TRY(bytes, tx.get(tables::kMeta, counter));
  const std::uint64_t number = bytes ? tables::number_from(*bytes) + 1 : 1;
  OMRSYNC_CHECK(tx.put(tables::kMeta, counter, tables::number_key(number)));
  return number;
}

Result<std::optional<Identity>> identity(StoreTransaction& tx) {
  return get_record<Identity>(tx, tables::kMeta, "identity");
}

Status put_identity(StoreTransaction& tx, const Identity& identity) {
  return put_record(tx, tables::kMeta, "identity", identity);
}

Result<std::optional<CaptureRecord>> capture_record(StoreTransaction& tx) {
  return get_record<CaptureRecord>(tx, tables::kMeta, "capture");
}

Result<std::optional<LedgerRow>> ledger_row(StoreTransaction& tx, const RootKey& root, WalkId ahead_of) {
  OMRSYNC_TRY(bytes, tx.get(tables::kLedger, tables::root_bytes(root)));
  if (!bytes) return segment_row(tx, root, ahead_of);
  if (bytes->empty()) return std::optional<LedgerRow>{};
  OMRSYNC_TRY(row, decode_ledger_row(*bytes));
  return std::optional<LedgerRow>(std::move(row));
}

Status put_ledger_row(StoreTransaction& tx, const RootKey& root, const LedgerRow& row) {
  return tx.put(tables::kLedger, tables::root_bytes(root), encode(row));
}

Status forget_ledger_row(StoreTransaction& tx, const RootKey& root) {
  const std::string key = tables::root_bytes(root);
  OMRSYNC_TRY(segments, has_segments(tx, root.table));
  return segments ? tx.put(tables::kLedger, key, "") : tx.erase(tables::kLedger, key, ports::after(key));
}

Result<bool> has_own_rows(StoreTransaction& tx, const std::string& table) {
  const std::string prefix = table + '\0';
  OMRSYNC_TRY(row, tx.last(tables::kLedger, prefix, ports::end_of_prefix(prefix)));
  return row.has_value();
}

Result<std::vector<RootKey>> ledger_roots(StoreTransaction& tx, const std::string& table, std::string_view after,
                                          std::size_t limit) {
  const std::string prefix = table + '\0';
  std::string from(after);
  for (;;) {
    OMRSYNC_TRY(met, segment_roots(tx, table, from, limit));
    std::map<std::string, bool> all;  // false: forgotten
    for (std::string& key : met) all.emplace(std::move(key), true);
    std::string through = all.size() == limit ? all.rbegin()->first : std::string();  // both are complete up to here
    std::size_t own = 0;
    OMRSYNC_CHECK(tx.scan(tables::kLedger, from.empty() ? prefix : ports::after(from), ports::end_of_prefix(prefix),
                          limit, [&](const ports::Entry& entry) {
                            if (!through.empty() && entry.key > through) return false;
                            all[std::string(entry.key)] = !entry.value.empty();
                            if (++own == limit) through = entry.key;
                            return true;
                          }));
    std::vector<RootKey> roots;
    for (const auto& [key, known] : all)
      if (known && (through.empty() || key <= through)) roots.push_back(tables::root_from(key));
    if (!roots.empty() || through.empty()) return roots;
    from = through;
  }
}

Result<LinkRecord> link_record(StoreTransaction& tx, std::string_view link) {
  OMRSYNC_TRY(record, get_record<LinkRecord>(tx, tables::kLink, link));
  return record ? std::move(*record) : LinkRecord{};
}

Status put_link(StoreTransaction& tx, std::string_view link, const LinkRecord& record) {
  return put_record(tx, tables::kLink, link, record);
}

Result<StickRecord> stick_record(StoreTransaction& tx, std::string_view link) {
  OMRSYNC_TRY(record, get_record<StickRecord>(tx, tables::kSticks, link));
  return record.value_or(StickRecord{});
}

Status put_stick(StoreTransaction& tx, std::string_view link, const StickRecord& record) {
  return put_record(tx, tables::kSticks, link, record);
}

Status note_recipient(StoreTransaction& tx, std::string_view link, const std::string& recipient) {
  if (recipient.empty()) return Done{};
  OMRSYNC_TRY(record, stick_record(tx, link));
  if (record.recipient == recipient) return Done{};
  record.recipient = recipient;
  return put_stick(tx, link, record);
}

Result<std::uint64_t> shown_rank(StoreTransaction& tx, std::string_view link, std::uint64_t number) {
  constexpr unsigned kNumberBits = 40;
  if (link != kParentLink) return std::uint64_t{0};
  OMRSYNC_TRY(record, link_record(tx, link));
  return std::uint64_t{record.lives} << kNumberBits | number;
}

std::string link_key(std::string_view link, std::uint64_t number, std::uint32_t part) {
  std::string key(link);
  key.push_back('\0');
  append_u64(key, number);
  append_u64(key, part);
  return key;
}

LinkPlace link_place(std::string_view key) {
  LinkPlace place;
  const std::size_t nul = key.find('\0');
  if (nul == std::string_view::npos) return place;
  place.link = key.substr(0, nul);
  key.remove_prefix(nul + 1);
  place.number = take_u64(key).value_or(0);
  place.part = static_cast<std::uint32_t>(take_u64(key).value_or(0));
  return place;
}

Status append_audit(StoreTransaction& tx, std::string_view record) {
  OMRSYNC_TRY(head, tx.get(tables::kMeta, "audit_head"));
  OMRSYNC_TRY(number, take_number(tx, "audit_count"));
  const std::string hash = sha256((head ? *head : std::string()) + std::string(record));
  OMRSYNC_CHECK(tx.put(tables::kMeta, "audit_head", hash));
  return tx.put(tables::kAudit, tables::number_key(number), hash + std::string(record));
}

Result<AuditCheck> verify_audit(StoreTransaction& tx) {
  AuditCheck check;
  std::string before;
  OMRSYNC_CHECK(tx.scan(tables::kAudit, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    ++check.records;
    const bool sound = entry.value.size() >= 32 && tables::number_from(entry.key) == check.records &&
                       sha256(before + std::string(entry.value.substr(32))) == entry.value.substr(0, 32);
    if (!sound) check.first_bad = check.records;
    before = entry.value.substr(0, 32);
    return sound;
  }));
  if (check.first_bad) return check;
  OMRSYNC_TRY(head, tx.get(tables::kMeta, "audit_head"));
  OMRSYNC_TRY(count, tx.get(tables::kMeta, "audit_count"));
  const std::uint64_t told = count ? tables::number_from(*count) : 0;
  if (told != check.records || (head ? *head : std::string()) != before) check.first_bad = check.records + 1;
  return check;
}

Status leave_places(StoreTransaction& tx, const InboxItem& item, const std::string& inbox_key) {
  const auto erase = [&](ports::TableName table, const std::vector<RootKey>& roots) -> Status {
    for (const RootKey& root : roots) {
      const std::string place = tables::root_and(root, inbox_key);
      OMRSYNC_CHECK(tx.erase(table, place, ports::after(place)));
    }
    return Done{};
  };
  OMRSYNC_CHECK(erase(tables::kBrings, item.roots));
  return erase(tables::kWaits, item.waits_for);
}

Result<std::uint64_t> count_range(StoreTransaction& tx, ports::TableName table, std::string_view from,
                                  std::string_view to) {
  std::uint64_t count = 0;
  OMRSYNC_CHECK(tx.scan(table, from, to, SIZE_MAX, [&](const ports::Entry&) { return ++count != 0; }));
  return count;
}

}  // namespace omrsync::node
