#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/result.h"
#include "protocol/state.h"

namespace omrsync::ports {

/// A place in the database's log of committed transactions. Ordered by (file, offset, piece).
struct LogPosition {
  std::string file;          ///< binlog file name; ordered by length, then text, so by its number
  std::uint64_t offset = 0;  ///< end of the last transaction that was read whole
  std::string gtid;          ///< where to start again (MariaDB: the GTID list); carries no order
  std::uint32_t piece = 0;   ///< pieces of the transaction after `offset` already read
  std::string
      fingerprint{};  ///< by which the transaction before it is known again (D25); may be empty; carries no order

  [[nodiscard]] std::strong_ordering operator<=>(const LogPosition& other) const noexcept {
    if (const auto by = file.size() <=> other.file.size(); by != 0) return by;
    if (const auto by = file <=> other.file; by != 0) return by;
    if (const auto by = offset <=> other.offset; by != 0) return by;
    return piece <=> other.piece;
  }
  [[nodiscard]] bool operator==(const LogPosition& other) const noexcept { return (*this <=> other) == 0; }
};

/// A group as it stands in the database.
struct GroupContent {
  GroupValue value;        ///< in wire terms (foreign keys as the targets' keys)
  std::uint64_t hash = 0;  ///< keyed, over the same columns in local terms (D22); compared only within this node
};

/// A root as it stands in the database. Every root that is there has the group `life`.
struct RootContent {
  std::uint64_t local_id = 0;  ///< the root row's integer key; 0 where it has none
  std::map<GroupName, GroupContent> groups;
};

/// A row that cannot travel as it is (a uuid that is missing, repeated or not ASCII); everything else goes on.
struct RowProblem {
  std::string table;
  std::uint64_t local_id = 0;  ///< its integer key; 0 where it has none
  Code code = Code::mapping_bad_uuid;
};

/// What the log shows of one group.
struct GroupChange {
  GroupName group;
  std::optional<std::uint64_t> before;       ///< hash of what stood there; none: nothing stood there
  std::optional<std::uint64_t> after;        ///< hash of what stands there now; none: the row is gone
  std::optional<GroupValue> before_value{};  ///< in wire terms, from the before image
  std::optional<GroupValue> after_value{};   ///< in wire terms; may be left out for `created` roots
};

struct RootChange {
  enum class Kind { written, created, purged };  ///< created, purged: the root row itself was inserted, deleted
  RootKey root;
  std::uint64_t local_id = 0;
  Kind kind = Kind::written;
  std::vector<GroupChange> groups;  ///< only groups whose value changed; for `created` all groups of the piece
};

/// A committed transaction, or a part of a large one (D21): at most about 500 roots. A transaction that carries a
/// marker is never cut. Each root stands in a piece once; a root that was inserted and deleted within it does not stand
/// there.
struct LogPiece {
  LogPosition position;  ///< where reading goes on after this piece
  bool ends_transaction = true;
  std::chrono::milliseconds committed_at{0};  ///< UTC, by the server's own clock
  std::string author;                         ///< users.uuid that the rows name as changer or creator; may be empty
  std::string marker_key;                     ///< not empty: our apply transaction (D7)
  std::string marker_payload;
  std::vector<RootChange> roots;
  std::vector<std::string> unlogged_tables;  ///< root tables changed in a way the log does not show row by row (D16)
  std::vector<RowProblem> problems;          ///< rows that were written and cannot travel
};

/// Committed changes in commit order. Used by one thread.
class ChangeSource {
 public:
  virtual ~ChangeSource() = default;

  /// Starts to read after `position` (none: at the log's present end). Failures: capture_log_purged,
  /// capture_position_foreign (D25: another life of the database), db_* (`retry_later` or `reconnect`).
  virtual Status open(const std::optional<LogPosition>& position) = 0;

  /// The next piece; nothing when none came within `patience`. After a failure: open again.
  virtual Result<std::optional<LogPiece>> next(std::chrono::milliseconds patience) = 0;

  /// How far this source has read, idle stretches of the log included; never behind the last piece's position.
  virtual LogPosition read_through() = 0;
};

/// A root read by a page of the first load.
struct LoadedRoot {
  RootKey root;
  RootContent content;
};

struct Page {
  std::vector<LoadedRoot> roots;     ///< by rising local key
  std::optional<std::string> next;   ///< hand it in for the page after; none: the table is done
  std::uint64_t rows = 0;            ///< rows of the root table read for it
  std::vector<RowProblem> problems;  ///< rows left out, owned rows included
};

/// The database as of one log position. Used by one thread; dropping it ends the transaction.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  [[nodiscard]] virtual const LogPosition& position() const noexcept = 0;

  /// One answer per root, in the order asked; none: it is not there. Reads in bulk: one query a table.
  virtual Result<std::vector<std::optional<RootContent>>> read(std::span<const RootKey> roots) = 0;

  /// The next at most `limit` roots of `table` after `after` (empty: from the start).
  virtual Result<Page> page(const std::string& table, const std::string& after, std::size_t limit) = 0;
};

/// What to write into one root.
struct RootWrite {
  RootKey root;
  std::map<GroupName, std::optional<GroupValue>> groups;  ///< no value: that owned row is deleted
  bool purge = false;                                     ///< delete the root with its owned rows (D30)
};

/// Why a root could not be written. `missing`: targets that are not in the database (held until they are); a target may
/// be an owned row, then `table` is the owned table (concept_name) and the row comes as a group "<table>/<key>".
struct PutProblem {
  RootKey root;
  Code code = Code::apply_refused;
  std::vector<RootKey> missing;
  std::string reason;  ///< without patient data
};

/// Something that was done otherwise than asked and is to be listed.
struct PutNotice {
  enum class Kind {
    alias,             ///< D19: `root` stands for `other` here from now on, because its unique name is taken by it
    name_taken,        ///< D19: the unique name is taken by `other`; the row went in without it, it is in the residue
    identifier_taken,  ///< `other` has the same identifier; both are there
    dangling_parent,   ///< D30: `root` was not deleted but voided or retired, because `other` refers to it; one notice
                      ///< for each of the first few. `other` is `root`: its kind is never deleted, whoever refers to it
  };
  Kind kind = Kind::alias;
  RootKey root;
  RootKey other;      ///< a row in the way or referring; may be an owned one, then `table` is the owned table
  GroupName group{};  ///< identifier_taken: the row of `root` that went in beside `other`
};

struct PutOutcome {
  std::vector<PutProblem> problems;  ///< not empty: nothing may be committed, roll back
  /// Per root written, in the order given: the hashes that the groups should have now.
  std::vector<std::map<GroupName, std::uint64_t>> hashes;
  /// Per root written, in the order given: cells that the database cannot hold (a column or table that it lacks, a name
  /// that is taken), by group. To be laid over what the database shows for as long as the group's hash stays as it is.
  std::vector<std::map<GroupName, GroupValue>> residues;
  std::vector<PutNotice> notices;
};

/// One transaction in the OpenMRS server (D7, D7a): never waits for a lock. Order: `mark`, `lock_read`, `put`,
/// `commit`. After a failure, or when dropped: everything is rolled back. Used by one thread.
class UnitOfWork {
 public:
  virtual ~UnitOfWork() = default;

  /// Inserts the marker row. False: it is already there (this set was applied before).
  virtual Result<bool> mark(const std::string& key) = 0;

  /// Locks the roots' rows and their owners in one fixed order and reads them as committed now. A row locked by
  /// somebody else: db_lock_busy, `retry_later`.
  virtual Result<std::vector<std::optional<RootContent>>> lock_read(std::span<const RootKey> roots) = 0;

  /// Writes rows, in the mapping's order, targets among `writes` themselves included; nullable references of a cycle in
  /// a second pass.
  virtual Result<PutOutcome> put(std::span<const RootWrite> writes) = 0;

  /// Stores `payload` in the marker row and commits. `look_first`: it may have happened; the log will tell.
  virtual Status commit(const std::string& payload) = 0;
};

/// What the node must know about a root table.
struct RootTable {
  enum class Class { metadata, clinical, link };  ///< link: an add-wins set of pairs
  std::string table;
  Class kind = Class::clinical;
};

/// The local OpenMRS database. Thread-safe: what it hands out has a connection of its own.
class OpenmrsDatabase {
 public:
  virtual ~OpenmrsDatabase() = default;

  /// All synced root tables in the order in which their rows can be inserted.
  virtual Result<std::vector<RootTable>> tables() = 0;

  virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;
  virtual Result<std::unique_ptr<UnitOfWork>> begin() = 0;

  /// The present end of the log: everything committed before the call lies at or before it.
  virtual Result<LogPosition> log_end() = 0;

  /// About how many rows the root table has; for progress only.
  virtual Result<std::uint64_t> count(const std::string& table) = 0;

  /// Removes marker rows, except the newest one, whose key is in `keys`.
  virtual Status forget_markers(std::span<const std::string> keys) = 0;

  /// Keys of all marker rows: sets whose apply transaction was committed.
  virtual Result<std::vector<std::string>> markers() = 0;

  /// What `sign` wrote last, in a table beside the markers; a database that was put back brings an older one (D25).
  /// Empty: never signed.
  virtual Result<std::string> signature() = 0;
  virtual Status sign(const std::string& signature) = 0;
};

/// Root bodies as they travel: a FHIR resource, lossless between nodes (D4). Pure and thread-safe.
class BodyCodec {
 public:
  virtual ~BodyCodec() = default;

  /// Appends the resource of `root` with these groups (all of them, or the few of a fragment) to `out`.
  virtual Status encode(const RootKey& root, const std::map<GroupName, GroupValue>& groups, std::string& out) const = 0;

  /// Back again. `set_aside` with a code 21xx or 31xx when the bytes are no resource that this node can read.
  virtual Result<std::map<GroupName, GroupValue>> decode(const RootKey& root, std::string_view resource) const = 0;
};

}  // namespace omrsync::ports
