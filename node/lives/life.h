#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/store/facts.h"
#include "node/world.h"

/// A node begins anew when its database, its store or its whole disk turns out to be another one than it remembers
/// (D25, D28).
namespace omrsync::node {

/// What went back, or was copied.
enum class LifeEnd : std::uint8_t {
  database,  ///< an older copy of the database was put back, or its tables were filled anew
  store,     ///< an older copy of the node's store was put back; the database and its log went on
  clone,     ///< another node sent, or was sent, something else under our numbers
};

[[nodiscard]] const char* to_string(LifeEnd end) noexcept;

/// What a new life has still to do before anything is captured, applied or sent: the ledger is put right (reconcile.h).
/// Meta "new_life"; absent: nothing.
struct NewLife {
  LifeEnd end = LifeEnd::database;
  std::int64_t since_ms = 0;
  Actor before;                 ///< this node in the life that ended
  std::uint64_t confirmed = 0;  ///< its numbers up to here are nobody else's (confirm_numbers)
  void pack(Packer& out) const;
  static NewLife unpack(Unpacker& in);
};

[[nodiscard]] Result<std::optional<NewLife>> new_life(ports::StoreTransaction& tx);

/// Takes a new incarnation, in one store transaction of its own; then workers stop, and the engine is built anew over
/// the store. What frozen batches hold of an older database goes through the inbox like what a child sends (R35). Links
/// begin their new lives when their ends next speak. Called again in the same life of the engine: changes nothing.
Status begin_new_life(const World& world, LifeEnd end);

/// Another node agrees on how far we have come: what is numbered by now was numbered once (R38). A copy of this disk
/// that is put back later knows of it.
Status confirm_numbers(ports::StoreTransaction& tx);

/// The link begins a new life: what was sent and not acknowledged is forgotten (it is offered again), what came and is
/// not done with stays, under kPastLink. Towards the parent every root is offered again: what stands by the first load,
/// what is gone by the outbox. `record` is fresh afterwards; the caller stores it.
Status renew_link(ports::StoreTransaction& tx, const Stamp& now, std::string_view link, LinkRecord& record,
                  const LinkLife& life);

}  // namespace omrsync::node
