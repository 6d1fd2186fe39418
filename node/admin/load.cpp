#include "node/admin/load.h"

#include <algorithm>

#include "node/lives/life.h"
#include "node/store/facts.h"

namespace omrsync::admin {
namespace {

namespace tables = node::tables;

std::string asks_key(const std::string& table) { return "ask_deletes/" + table; }
std::string accept_key(const std::string& table) { return "accept_deletes/" + table; }

Status audit(ports::StoreTransaction& tx, std::string_view act, const std::string& table, std::int64_t now_ms) {
  Json record;
  record.set("at_ms", now_ms).set("act", act).set("by", "operator").set("table", table);
  return node::append_audit(tx, to_string(record));
}

Result<std::optional<std::uint64_t>> asked(ports::StoreTransaction& tx, const std::string& table) {
  OMRSYNC_TRY(bytes, tx.get(tables::kMeta, asks_key(table)));
  return bytes ? std::optional<std::uint64_t>(tables::number_from(*bytes)) : std::nullopt;
}

/// The ledger has rows of that root table.
Result<bool> is_known(ports::StoreTransaction& tx, const std::string& table) {
  OMRSYNC_TRY(own, node::has_own_rows(tx, table));
  return own ? Result<bool>(true) : node::has_segments(tx, table);
}

Error not_found(std::string message) { return {Remedy::stop_node, Code::not_found, std::move(message)}; }

}  // namespace

Result<std::vector<LoadView>> load_status(ports::StoreTransaction& tx) {
  std::vector<LoadView> views;
  OMRSYNC_CHECK(tx.scan(tables::kLink, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    node::Unpacker in(entry.value);
    const auto load = node::LinkRecord::unpack(in).load;
    views.push_back({std::string(entry.key), false, load.table, load.rows, load.of, load.done, std::nullopt});
    return true;
  }));
  OMRSYNC_CHECK(tx.scan(tables::kUnlogged, "", "", SIZE_MAX, [&](const ports::Entry& entry) {
    views.push_back({"", false, std::string(entry.key), 0, 0, false, std::nullopt});
    return true;
  }));
  OMRSYNC_TRY(life, node::new_life(tx));
  if (life) views.push_back({"", true, "", 0, 0, false, std::nullopt});
  for (LoadView& view : views) {
    if (!view.link.empty() || view.reconcile) continue;
    OMRSYNC_TRY(deletes, asked(tx, view.table));
    view.asks_deletes = deletes;
  }
  return views;
}

const char* kind_of(const LoadView& view) noexcept {
  return !view.link.empty() ? "load" : view.reconcile ? "reconcile" : "compare";
}

Json to_json(const LoadView& view) {
  Json json;
  json.set("schema", "omrsync/load/1").set("kind", kind_of(view));
  json.set("link", view.link.empty() ? Json() : Json(view.link));
  json.set("table", view.table.empty() ? Json() : Json(view.table));
  json.set("rows", view.rows).set("of", std::max(view.rows, view.of)).set("done", view.done);
  return json.set("asks_deletes", view.asks_deletes ? Json(*view.asks_deletes) : Json());
}

Status restart_load(ports::Store& store, const std::string& table, std::int64_t now_ms, bool dry_run) {
  OMRSYNC_TRY(tx, dry_run ? store.read() : store.write());
  OMRSYNC_TRY(known, is_known(*tx, table));
  if (!known)
    return not_found("This node has met no row of a table '" + table + "'; owned tables go with their root's.");
  if (dry_run) return Done{};
  OMRSYNC_TRY(capture, node::capture_record(*tx));
  OMRSYNC_CHECK(node::put_record(*tx, tables::kUnlogged, table, capture.value_or(node::CaptureRecord{})));
  OMRSYNC_CHECK(audit(*tx, "load.restart", table, now_ms));
  return tx->commit();
}

Status accept_deletes(ports::Store& store, const std::string& table, std::int64_t now_ms, bool dry_run) {
  OMRSYNC_TRY(tx, dry_run ? store.read() : store.write());
  OMRSYNC_TRY(deletes, asked(*tx, table));
  if (!deletes) return not_found("No deletes of the table '" + table + "' wait for a yes; see 'omrsync load status'.");
  if (dry_run) return Done{};
  OMRSYNC_CHECK(tx->put(tables::kMeta, accept_key(table), tables::number_key(*deletes)));
  OMRSYNC_CHECK(audit(*tx, "load.accept_deletes", table, now_ms));
  return tx->commit();
}

}  // namespace omrsync::admin
