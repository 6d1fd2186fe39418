#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "adapters/mysql/connection.h"
#include "adapters/mysql/database_shared.h"
#include "adapters/mysql/database_tables.h"
#include "adapters/mysql/references.h"
#include "adapters/ports/openmrs.h"

namespace omrsync::mysql {

/// One row event, in the terms of the database.
struct RawRow {
  const openmrs::TablePlan* plan = nullptr;
  Row before;  ///< empty: inserted
  Row after;   ///< empty: deleted
};

/// A piece of the log before its rows are told as roots.
struct RawPiece {
  ports::LogPiece piece;
  std::vector<RawRow> rows;
  std::shared_ptr<Epoch> epoch;  ///< the schema that `rows` are told in; their plans live as long
};

/// Tells rows as changes of roots: whose row it is, which groups changed, what stood there (D23a). Keys of owners and
/// of targets come from the rows themselves, the cache, and one query a table for all pieces together.
class PieceResolver {
 public:
  PieceResolver(Connection& connection, const Compiled& compiled, KeyCache& cache,
                std::shared_ptr<const Aliases> aliases);

  /// `pieces` are all of this resolver's epoch. Fills `piece.roots`, `piece.author` and `piece.problems` of each.
  Status resolve(std::span<RawPiece> pieces);

 private:
  class Roots;

  void learn(std::span<RawPiece> pieces);
  Status find(std::span<RawPiece> pieces);
  void tell(RawPiece& piece);
  void tell_row(const RawRow& row, Roots& roots, ports::LogPiece& piece);
  void tell_root_row(const RawRow& row, Roots& roots, ports::LogPiece& piece);
  void tell_owned_row(const RawRow& row, Roots& roots, ports::LogPiece& piece);
  void tell_groups(const openmrs::TablePlan& plan, const Row* before, const Row* after, std::string_view key_before,
                   std::string_view key_after, ports::RootChange& change);
  std::optional<RootKey> owner_of(const RawRow& row, const Row& image, std::uint64_t& local_id) const;
  std::string author_of(const RawPiece& piece) const;

  void forget_deleted(std::span<RawPiece> pieces);
  void add_other_names(std::vector<ports::RootChange>& roots) const;

  Connection& connection_;
  KeyCache& cache_;
  const Compiled& compiled_;
  References references_;
  std::multimap<RootKey, std::string> other_names_;  ///< aliases, by the row that they stand for
};

}  // namespace omrsync::mysql
