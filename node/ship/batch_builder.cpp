#include "node/ship/batch_builder.h"

#include <algorithm>
#include <utility>

#include "node/capture/take_piece.h"
#include "node/ledger/local.h"
#include "node/plant.h"
#include "node/tuning.h"
#include "protocol/digest.h"

namespace omrsync::node {

using ports::StoreTransaction;

namespace {

constexpr std::size_t kSliceRoots = 200;

/// The first load over a link in one of its lives.
WalkId walk_over(std::string_view link, const LinkLife& life) {
  Packer name;
  name.text(link).actor(life.child).actor(life.parent);
  return walk_of(std::move(name).take());
}

}  // namespace

struct BatchBuilder::Source {
  std::uint64_t key = 0;  ///< offer number or log number
  OfferedSet set;
};

struct BatchBuilder::Building {
  StoreTransaction& tx;
  LinkRecord link;
  std::size_t max_bytes = 0;
  FrameWriter frame;
  std::uint64_t first = 0;
  std::set<RootKey> emitted;
  std::optional<Envelope> empty_run;
  std::vector<std::uint64_t> done_sources;
  std::vector<std::pair<std::uint64_t, SentSet>> sent;
  std::map<std::string, std::vector<MetRoot>> met;  ///< roots that the load met for the first time, by table
  std::vector<ports::RootChange> unlogged;

  [[nodiscard]] bool full() const {
    return frame.packed_bytes() >= max_bytes || frame.raw_bytes() >= tuning::kBatchRawBytes ||
           link.next_number - first >= tuning::kBatchSets;
  }

  void close_run() {
    if (!empty_run) return;
    frame.add(encode_envelope(*empty_run));
    empty_run.reset();
  }

  void add(Envelope envelope, const SentSet& record) {
    envelope.number = envelope.through = link.next_number++;
    if (envelope.entries.empty()) {
      if (empty_run) {
        empty_run->through = envelope.number;
      } else {
        envelope.kind = Envelope::Kind::empty_run;
        empty_run = std::move(envelope);
      }
      return;
    }
    close_run();
    frame.add(encode_envelope(envelope));
    sent.emplace_back(envelope.number, record);
  }
};

Result<std::optional<Batch>> BatchBuilder::next(std::size_t max_bytes) {
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(link, link_record(*tx, link_));
    std::string frozen;
    OMRSYNC_CHECK(tx->scan(tables::kFrozen, link_key(link_, link.acknowledged + 1), link_key(link_, UINT64_MAX), 1,
                           [&](const ports::Entry& entry) {
                             frozen = entry.value;
                             return false;
                           }));
    if (!frozen.empty()) {
      waits_ = false;
      OMRSYNC_TRY(batch, decode<Batch>(frozen));
      return std::optional<Batch>(std::move(batch));
    }
  }
  return build(max_bytes);
}

Result<std::optional<Batch>> BatchBuilder::build(std::size_t max_bytes) {
  waits_ = false;
  std::vector<Source> sources;
  LinkRecord link;
  OMRSYNC_TRY(grant, take_grant());
  {
    OMRSYNC_TRY(tx, world_.store.read());
    OMRSYNC_TRY(record, link_record(*tx, link_));
    link = std::move(record);
    OMRSYNC_TRY(waiting, waiting_sets(*tx, link, grant));
    sources = std::move(waiting);
  }
  if (sources.empty() && link.load.done) {
    snapshot_.reset();
    return std::optional<Batch>{};
  }
  OMRSYNC_TRY(ready, snapshot_ready());
  if (!ready) return std::optional<Batch>{};

  OMRSYNC_TRY(tx, world_.store.read());
  Building building{*tx, link, max_bytes, {}, link.next_number, {}, {}, {}, {}, {}, {}};
  OMRSYNC_TRY(all, add_sets(building, sources));
  if (all && building.unlogged.empty() && !building.full()) OMRSYNC_CHECK(add_load(building, grant));
  if (!building.unlogged.empty()) {
    OMRSYNC_TRY(write, world_.store.write());
    OMRSYNC_CHECK(take_unlogged(*write, world_, std::move(building.unlogged), snapshot_->position()));
    OMRSYNC_CHECK(write->commit());
    waits_ = true;
    return std::optional<Batch>{};
  }
  auto frozen = freeze(building);
  // An open snapshot keeps OpenMRS from changing its tables (metadata locks), and the line may be away for long now.
  snapshot_.reset();
  return frozen;
}

/// What may be told over this link now. A class that was not told before is told from the beginning.
Result<Grant> BatchBuilder::take_grant() {
  if (upward()) return Grant{};
  OMRSYNC_TRY(read, world_.store.read());
  OMRSYNC_TRY(grant, grant_down(*read, link_));
  OMRSYNC_TRY(seen, link_record(*read, link_));
  if (seen.tells_clinical == grant.clinical && seen.tells_metadata == grant.metadata) return grant;
  read.reset();
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(record, link_record(*tx, link_));
  if ((grant.clinical && !record.tells_clinical) || (grant.metadata && !record.tells_metadata)) {
    record.log_cursor = 0;
    record.load = {};
  }
  record.tells_clinical = grant.clinical;
  record.tells_metadata = grant.metadata;
  OMRSYNC_CHECK(put_link(*tx, link_, record));
  OMRSYNC_CHECK(tx->commit());
  return grant;
}

Result<std::vector<BatchBuilder::Source>> BatchBuilder::waiting_sets(StoreTransaction& tx, const LinkRecord& link,
                                                                     const Grant& grant) {
  std::vector<Source> sources;
  std::size_t roots = 0;
  Status read = Done{};
  const auto take_offer = [&](const ports::Entry& entry) {
    auto set = decode_record<OfferedSet>(entry.value);
    if (!set) {
      read = set.error();
      return false;
    }
    roots += set->roots.size();
    sources.push_back({tables::number_from(entry.key), std::move(*set)});
    return roots < tuning::kBatchRoots;
  };
  const auto take_log = [&](const ports::Entry& entry) {
    auto row = decode_record<LogRow>(entry.value);
    if (!row) {
      read = row.error();
      return false;
    }
    const std::uint64_t number = tables::number_from(entry.key);
    const auto kind = classes_.of(row->root.table);
    if (!kind) {
      read = kind.error();
      return false;
    }
    const bool skip = (row->whole && row->via == link.life) || !grant.covers(*kind);
    const bool same_set =
        !sources.empty() && sources.back().set.set == row->set && sources.back().set.load == row->load && !skip;
    if (same_set) {
      sources.back().key = number;
      sources.back().set.roots.push_back(row->root);
    } else {
      OfferedSet set;
      set.set = row->set;
      set.load = row->load;
      if (!skip) set.roots.push_back(row->root);
      if (skip && !sources.empty() && sources.back().set.roots.empty())
        sources.back().key = number;
      else
        sources.push_back({number, std::move(set)});
    }
    return true;
  };
  OMRSYNC_CHECK(upward()
                    ? tx.scan(tables::kOutbox, "", "", tuning::kBatchSets, take_offer)
                    : tx.scan(tables::kLog, tables::number_key(link.log_cursor + 1), "", tuning::kBatchSets, take_log));
  OMRSYNC_CHECK(read);
  return sources;
}

/// A snapshot that capture has passed; false while it has not.
Result<bool> BatchBuilder::snapshot_ready() {
  const auto now = world_.clock.steady();
  if (!snapshot_) {
    OMRSYNC_TRY(opened, world_.openmrs.snapshot());
    snapshot_ = std::move(opened);
    snapshot_since_ = now;
  }
  const bool passed = world_.shared.captured(snapshot_->position());
  if (passed || OMRSYNC_PLANTED(bodies_unchecked)) return true;
  waits_ = true;
  if (now - snapshot_since_ > tuning::kSnapshotPatience) snapshot_.reset();
  return false;
}

/// False when the snapshot is older than a set: the batch ends before it.
Result<bool> BatchBuilder::add_sets(Building& building, const std::vector<Source>& sources) {
  std::size_t from = 0;
  while (from < sources.size() && !building.full()) {
    std::size_t to = from, roots = 0;
    while (to < sources.size() && (to == from || roots + sources[to].set.roots.size() <= kSliceRoots))
      roots += sources[to++].set.roots.size();
    OMRSYNC_TRY(whole, add_slice(building, sources, from, to));
    if (!whole) return false;
    if (!building.unlogged.empty()) return true;
    from = to;
  }
  return true;
}

Result<bool> BatchBuilder::add_slice(Building& building, const std::vector<Source>& sources, std::size_t from,
                                     std::size_t to) {
  std::vector<RootKey> roots;
  std::map<RootKey, std::optional<LedgerRow>> rows;
  bool whole = true;
  for (std::size_t i = from; i < to && whole; ++i)
    for (const RootKey& root : sources[i].set.roots) {
      if (building.emitted.contains(root) || rows.contains(root)) continue;
      OMRSYNC_TRY(row, ledger_row(building.tx, root));
      if (row && snapshot_->position() < row->changed_at() && !OMRSYNC_PLANTED(bodies_unchecked)) {
        whole = false;
        to = i;
        break;
      }
      rows.emplace(root, std::move(row));
      roots.push_back(root);
    }
  OMRSYNC_TRY(contents, snapshot_->read(roots));
  std::map<RootKey, const ports::RootContent*> held;
  for (std::size_t i = 0; i < roots.size(); ++i) held[roots[i]] = contents[i] ? &*contents[i] : nullptr;
  for (std::size_t i = from; i < to; ++i) {
    const OfferedSet& set = sources[i].set;
    Envelope envelope;
    envelope.set = set.set;
    if (set.load) envelope.kind = Envelope::Kind::load;
    envelope.part = set.part;
    envelope.author = set.author;
    envelope.stamp = set.stamp;
    SentSet record{set.set, set.part, set.load, false, world_.clock.utc().count(), {}, {}, 0, {}, {}};
    for (const RootKey& root : set.roots) {
      if (!building.emitted.insert(root).second) continue;
      OMRSYNC_TRY(entry, entry_for(building, root, rows[root], held[root]));
      if (!entry) continue;
      envelope.entries.push_back(std::move(*entry));
      if (record.roots.size() < 8) record.roots.push_back(root);
    }
    building.add(std::move(envelope), record);
    building.done_sources.push_back(sources[i].key);
  }
  return whole;
}

/// The whole state as it travels; nothing (and a note in `unlogged`) where the database differs from the ledger.
Result<std::optional<Entry>> BatchBuilder::entry_for(Building& building, const RootKey& root,
                                                     const std::optional<LedgerRow>& row,
                                                     const ports::RootContent* content) {
  std::optional<LedgerRow> known = row;
  if (auto change = unlogged_change(root, known, content, world_.dots); change && !OMRSYNC_PLANTED(bodies_unchecked)) {
    building.unlogged.push_back(std::move(*change));
    return std::optional<Entry>{};
  }
  if (!known && content == nullptr) return std::optional<Entry>{};
  std::vector<StandingGroup> standing;
  const LedgerRow* ledger = known ? &*known : nullptr;
  if (content != nullptr) standing = standing_groups(root, ledger, *content, world_.dots);
  OMRSYNC_TRY(entry, entry_of(root, materialise(ledger, standing), world_.codec, world_.dots));
  return std::optional<Entry>(std::move(entry));
}

Status BatchBuilder::add_load(Building& building, const Grant& grant) {
  LoadCursor& load = building.link.load;
  OMRSYNC_TRY(tables, world_.openmrs.tables());
  auto table = tables.begin();
  if (load.table.empty()) {
    for (const ports::RootTable& each : tables) {
      OMRSYNC_TRY(rows, world_.openmrs.count(each.table));
      load.of += rows;
    }
  } else {
    table = std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.table == load.table; });
  }
  while (!load.done && !building.full()) {
    if (table == tables.end()) {
      load.done = true;
      break;
    }
    load.table = table->table;
    bool more = false;
    if (grant.covers(table->kind)) {
      OMRSYNC_TRY(some, add_page(building, table->table));
      more = some;
    }
    if (!building.unlogged.empty()) return Done{};
    if (!more) {
      load.after.clear();
      if (++table == tables.end()) load.done = true;
      if (table != tables.end()) load.table = table->table;
    }
  }
  return Done{};
}

void BatchBuilder::add_container(Building& building, Envelope envelope) const {
  if (envelope.entries.empty()) return;
  envelope.kind = Envelope::Kind::load;
  envelope.set = {world_.identity.actor(), building.link.next_number};
  building.add(std::move(envelope), {envelope.set, 0, true, false, world_.clock.utc().count(), {}, {}, 0, {}, {}});
}

/// One chunk of a table as containers; false when the table is done.
Result<bool> BatchBuilder::add_page(Building& building, const std::string& table) {
  LoadCursor& load = building.link.load;
  OMRSYNC_TRY(page, snapshot_->page(table, load.after, tuning::kPageRoots));
  const WalkId walk = walk_over(link_, building.link.life);
  OMRSYNC_TRY(own, has_own_rows(building.tx, table));
  Envelope envelope;
  for (ports::LoadedRoot& loaded : page.roots) {
    if (building.emitted.contains(loaded.root)) continue;
    OMRSYNC_TRY(row, own ? ledger_row(building.tx, loaded.root, walk) : segment_row(building.tx, loaded.root, walk));
    if (row && snapshot_->position() < row->changed_at()) continue;  // travels by its own mark
    const bool as_loaded = !row || (row->loaded && row->groups.empty());
    if (upward()) {
      if (!as_loaded && !building.link.offer_all) continue;  // written since: in the outbox, or what the parent sent
    } else {
      OMRSYNC_TRY(logged, building.tx.get(tables::kLogPlace, tables::root_bytes(loaded.root)));
      if (logged) continue;
    }
    if (row) {
      OMRSYNC_TRY(entry, entry_for(building, loaded.root, row, &loaded.content));
      if (!entry) return true;
      envelope.entries.push_back(std::move(*entry));
    } else {
      building.met[table].push_back(pack_met(loaded.root, loaded.content, world_.dots));
      OMRSYNC_TRY(entry, entry_as_loaded(loaded.root, std::move(loaded.content), world_.codec));
      envelope.entries.push_back(std::move(entry));
    }
    if (envelope.entries.size() == tuning::kLoadRoots) add_container(building, std::exchange(envelope, {}));
  }
  load.rows += page.rows;
  add_container(building, std::move(envelope));
  if (page.next) load.after = *page.next;
  return page.next.has_value();
}

Result<std::optional<Batch>> BatchBuilder::freeze(Building& building) {
  building.close_run();
  OMRSYNC_TRY(tx, world_.store.write());
  OMRSYNC_TRY(now, link_record(*tx, link_));
  if (now.life != building.link.life || now.next_number != building.first) return std::optional<Batch>{};
  now.load = building.link.load;
  // One that changed meanwhile has a row of its own by now, which wins.
  const WalkId walk = walk_over(link_, now.life);
  for (auto& [table, roots] : building.met) OMRSYNC_CHECK(add_segment(*tx, table, walk, std::move(roots)));
  if (upward()) {
    for (const std::uint64_t key : building.done_sources)
      OMRSYNC_CHECK(tx->erase(tables::kOutbox, tables::number_key(key), ports::after(tables::number_key(key))));
    for (const auto& [number, record] : building.sent)
      OMRSYNC_CHECK(put_record(*tx, tables::kSent, link_key(link_, number), record));
  } else if (!building.done_sources.empty()) {
    now.log_cursor = building.done_sources.back();
  }
  const bool empty = building.link.next_number == building.first;
  Batch batch;
  if (!empty) {
    batch = {now.life, building.first, building.link.next_number - 1, now.chain, {}, building.frame.finish()};
    batch.digest = sha256(batch.frame);
    now.next_number = building.link.next_number;
    now.chain = next_chain(now.chain, batch.digest, batch.last);
    OMRSYNC_CHECK(tx->put(tables::kFrozen, link_key(link_, batch.first), encode(batch)));
  }
  OMRSYNC_CHECK(put_link(*tx, link_, now));
  OMRSYNC_CHECK(tx->commit());
  if (empty) {
    waits_ = !now.load.done || !building.done_sources.empty();
    return std::optional<Batch>{};
  }
  return std::optional<Batch>(std::move(batch));
}

Status trim_frozen(StoreTransaction& tx, std::string_view link, LinkRecord& record, std::uint64_t through) {
  if (through <= record.acknowledged || through >= record.next_number) return Done{};
  record.acknowledged = through;
  std::vector<std::string> gone;
  Status read = Done{};
  OMRSYNC_CHECK(tx.scan(tables::kFrozen, link_key(link, 0), link_key(link, through + 1), SIZE_MAX,
                        [&](const ports::Entry& entry) {
                          const auto batch = decode<Batch>(entry.value);
                          if (batch && batch->last <= through) gone.emplace_back(entry.key);
                          return true;
                        }));
  for (const std::string& key : gone) OMRSYNC_CHECK(tx.erase(tables::kFrozen, key, ports::after(key)));
  return Done{};
}

}  // namespace omrsync::node
