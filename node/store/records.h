#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/ports/openmrs.h"
#include "node/store/pack.h"
#include "node/store/tables.h"
#include "protocol/messages.h"

/// What the node's tables hold, one struct a table (tables.h). Each packs and unpacks itself; fields are only added at
/// the end.
namespace omrsync::node {

/// Who this node is. Meta "identity".
struct Identity {
  Uuid node;
  std::string name;
  Incarnation incarnation;
  std::array<std::uint8_t, 16> hash_key{};     ///< of the ledger's hashes; never leaves this node (D22)
  std::array<std::uint8_t, 16> network_key{};  ///< of load dots; the same in the whole network (D26)
  std::string recipient{};                     ///< "age1...": for packages to this node (stick.h); its secret is a file

  [[nodiscard]] Actor actor() const { return {node, incarnation}; }
  void pack(Packer& out) const;
  static Identity unpack(Unpacker& in);
};

/// Where capture stands. Meta "capture"; written only with the rows that were made of what lies before it (D3).
struct CaptureRecord {
  ports::LogPosition position;
  std::int64_t at_ms = 0;  ///< when the newest transaction before it was committed
  void pack(Packer& out) const;
  static CaptureRecord unpack(Unpacker& in);
};

/// One set of changes to offer to the parent: which roots; their bodies are read when a batch is built (D23).
struct OfferedSet {
  Dot set;
  std::uint32_t part = 0;
  std::string author;
  Stamp stamp;
  std::vector<RootKey> roots;
  bool load = false;  ///< its roots stand alone, as they came
  void pack(Packer& out) const;
  static OfferedSet unpack(Unpacker& in);
};

/// How far the first load over one link has come (D26).
struct LoadCursor {
  bool done = false;
  std::string table;       ///< present root table; empty: not begun
  std::string after;       ///< Snapshot::page's cursor within it
  std::uint64_t rows = 0;  ///< rows offered so far
  std::uint64_t of = 0;    ///< about how many there are
};

/// One link, to the parent ("parent") or to a child (its uuid): what was sent, what was received (D28).
struct LinkRecord {
  LinkLife life;
  std::uint64_t next_number = 1;   ///< the next to give to what goes out
  std::uint64_t acknowledged = 0;  ///< everything up to here is durable at the other side
  std::string chain;               ///< of what went out, at next_number - 1
  std::uint64_t log_cursor = 0;    ///< towards a child: log rows up to here are frozen
  LoadCursor load;
  bool offer_all = false;    ///< a new life of a used link: every root is offered again (D28)
  std::uint32_t lives = 0;   ///< of this link so far
  std::uint64_t stored = 0;  ///< everything up to here has come in and is durable here
  std::string stored_chain;
  std::uint64_t next_outcome = 1;   ///< towards a child: next outcome to tell
  std::uint64_t outcomes_seen = 0;  ///< from the parent: outcomes taken
  std::int64_t last_contact_ms = 0;
  std::uint32_t error_code = 0;  ///< of the last try; 0: it went well
  std::string error_message;
  std::int64_t clock_offset_ms = 0;
  bool tells_clinical = true;  ///< towards a child: whether its log cursor and load say so of clinical records
  bool tells_metadata = true;
  void pack(Packer& out) const;
  static LinkRecord unpack(Unpacker& in);
};

/// A set that left in a frozen batch and has no outcome yet.
struct SentSet {
  Dot set;
  std::uint32_t part = 0;
  bool load = false;
  bool stored = false;  ///< the other side has it on disk
  std::int64_t since_ms = 0;
  std::vector<RootKey> roots;                     ///< at most eight, for people
  Outcome::State told = Outcome::State::applied;  ///< `held` or `quarantined` were told; others end the record
  std::uint32_t code = 0;
  std::string reason;
  std::vector<std::string> waits_for;
  void pack(Packer& out) const;
  static SentSet unpack(Unpacker& in);
};

/// A set that came in and is not done with.
struct InboxItem {
  enum class State : std::uint8_t { waiting, held, quarantined, paused };
  State state = State::waiting;
  Dot set;
  bool load = false;
  std::int64_t since_ms = 0;
  std::uint32_t tries = 0;
  std::uint32_t code = 0;
  std::string reason;
  std::vector<RootKey> waits_for;
  std::vector<RootKey> roots;
  bool told = false;   ///< its being held or quarantined was told to the sender
  bool asked = false;  ///< a target was purged here: the sender was asked for it, once (D30)
  std::string sender;  ///< under kPastLink: the link that it came over, by whose grant it is still held
  void pack(Packer& out) const;
  static InboxItem unpack(Unpacker& in);
};

/// One line of the parent's log (D29).
struct LogRow {
  RootKey root;
  Dot set;
  std::optional<LinkLife> via;  ///< where the change came from
  bool whole = false;           ///< the joined state is exactly what `via` sent: nothing to tell it
  bool load = false;            ///< came in a container: its set's roots stand alone
  void pack(Packer& out) const;
  static LogRow unpack(Unpacker& in);
};

/// A side of a conflict as it was when it was decided.
struct RecordedSide {
  Sibling sibling;
  bool known = true;  ///< false: its value stood in the database only, and nobody wrote over it
  bool shown = false;
  void pack(Packer& out) const;
  static RecordedSide unpack(Unpacker& in);
};

struct ConflictRecord {
  std::string id;
  std::string kind;  ///< field, first-contact, identifier-collision, dangling-parent ...
  RootKey root;
  GroupName group;
  std::int64_t opened_ms = 0;
  bool open = true;
  std::int64_t decided_ms = 0;
  std::string decided_by;  ///< rule, user, or "write": somebody wrote the group having seen all sides
  std::string policy;
  std::vector<std::string> other_ids;
  std::vector<RootKey> referrers;  ///< of a dangling-parent: some of the rows that refer to the root
  std::string rule{};              ///< by which it was decided, or left to people
  std::string user{};              ///< who decided it, as far as known
  std::string reason{};
  std::vector<RecordedSide> sides{};    ///< between which it was decided: what `undo` can bring back
  std::optional<RecordedSide> taken{};  ///< the write that decided it
  bool undone = false;
  std::int64_t undone_ms = 0;
  std::optional<std::optional<GroupValue>> base{};  ///< what stood there before any side was written, where it is known
  ports::RootTable::Class root_class = ports::RootTable::Class::clinical;
  void pack(Packer& out) const;
  static ConflictRecord unpack(Unpacker& in);
};

/// A decision that waits to be written at its place in the log. By conflict id.
struct DecisionRequest {
  enum class By : std::uint8_t {
    given,    ///< by a person, or by the answer of a program
    policy,   ///< the policy is asked when it is carried out
    program,  ///< a program is to be asked first
  };
  struct Cell {
    std::string column;
    std::optional<Dot> of;            ///< as this side has it; none: `text`
    std::optional<std::string> text;  ///< none: NULL
  };

  By by = By::given;
  std::string conflict;
  RootKey root;
  GroupName group;
  std::vector<Dot> seen;                           ///< the sides that whoever decides knew; empty: those that are there
  std::optional<Dot> take;                         ///< this side's value; none: the shown one's
  std::vector<Cell> cells;                         ///< laid over it
  std::optional<std::optional<GroupValue>> value;  ///< instead of a side's
  std::string note;                                ///< conflict::DecisionNote, encoded
  std::string program;                             ///< of `program`
  std::int64_t asked_ms = 0;
  void pack(Packer& out) const;
  static DecisionRequest unpack(Unpacker& in);
};

/// A package as its maker, or its reader, remembers it.
struct PackageNote {
  std::string package;  ///< its uuid; empty: none yet
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::int64_t created_ms = 0;
  std::int64_t at_ms = 0;  ///< when it was written, read or missed here
  void pack(Packer& out) const;
  static PackageNote unpack(Unpacker& in);
};

/// What a node knows of the other end of a link beside the line. By link.
struct StickRecord {
  std::string recipient;  ///< "age1...": for packages to it; empty: not known yet
  Actor peer;             ///< the other node, known before any contact (from the card)
  PackageNote written;    ///< the newest that was written whole
  std::string previous;   ///< SHA-256 of its manifest
  PackageNote read;       ///< the newest that was taken
  PackageNote missed;     ///< it begins behind a gap; none: `package` is empty
  std::string draft;      ///< manifest so far of an export that was not finished; empty: none
  void pack(Packer& out) const;
  static StickRecord unpack(Unpacker& in);
};

/// What may travel in one direction between a node and its parent (I-7). A class that is not named here may not.
struct Grant {
  bool clinical = true;
  bool metadata = true;                ///< links between metadata included
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit

  [[nodiscard]] bool covers(ports::RootTable::Class kind) const noexcept {
    return kind == ports::RootTable::Class::clinical ? clinical : metadata;
  }
  void pack(Packer& out) const;
  static Grant unpack(Unpacker& in);
};

struct ChildRecord {
  enum class State : std::uint8_t { active, paused, revoked, invited };  ///< invited: has no certificate yet
  Uuid node;
  std::string name;
  State state = State::active;
  std::string catchment = "all";
  std::string fingerprint;  ///< of its certificate
  std::int64_t added_ms = 0;
  std::int64_t last_seen_ms = 0;
  std::string next_fingerprint;             ///< of the certificate that takes over at its first use; empty: none
  std::int64_t certificate_expires_ms = 0;  ///< of the one given last; 0: not known
  Grant up;                                 ///< what it may write
  Grant down;                               ///< what it is told
  void pack(Packer& out) const;
  static ChildRecord unpack(Unpacker& in);
};

/// A one-time code that was given out. By the hash of its secret, which is kept nowhere (I-2).
struct EnrolRecord {
  Uuid node;
  std::string name;
  std::int64_t expires_ms = 0;
  std::int64_t used_ms = 0;     ///< 0: not yet
  std::string key;              ///< by which key it was used, so that an answer that was lost can be given again
  std::string certificate_pem;  ///< that was given for it
  void pack(Packer& out) const;
  static EnrolRecord unpack(Unpacker& in);
};

template <typename Record>
[[nodiscard]] std::string encode_record(const Record& record) {
  Packer out;
  record.pack(out);
  return std::move(out).take();
}

template <typename Record>
[[nodiscard]] Result<Record> decode_record(std::string_view bytes) {
  Unpacker in(bytes);
  Record record = Record::unpack(in);
  if (!in.sound()) return Error{Remedy::stop_node, Code::store_damaged, "a record of the store cannot be read"};
  return record;
}

/// The record under `key`, if there is one.
template <typename Record>
[[nodiscard]] Result<std::optional<Record>> get_record(ports::StoreTransaction& tx, ports::TableName table,
                                                       std::string_view key) {
  OMRSYNC_TRY(bytes, tx.get(table, key));
  if (!bytes) return std::optional<Record>{};
  OMRSYNC_TRY(record, decode_record<Record>(*bytes));
  return std::optional<Record>(std::move(record));
}

template <typename Record>
[[nodiscard]] Status put_record(ports::StoreTransaction& tx, ports::TableName table, std::string_view key,
                                const Record& record) {
  return tx.put(table, key, encode_record(record));
}

}  // namespace omrsync::node
