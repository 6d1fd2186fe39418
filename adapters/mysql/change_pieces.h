#pragma once

#include <memory>
#include <vector>

#include "adapters/mysql/connection.h"
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
};

/// Tells rows as changes of roots: whose row it is, which groups changed, what stood there (D23a). Keys of owners and of
/// targets come from the rows themselves, the cache, and one query a table for all pieces together.
class PieceResolver {
 public:
  PieceResolver(Connection& connection, const Compiled& compiled, KeyCache* cache,
                std::shared_ptr<const Aliases> aliases);

  /// Fills `piece.roots`, `piece.author` and `piece.problems` of each.
  Status resolve(std::vector<RawPiece>& pieces);

 private:
  class Roots;

  void learn(const std::vector<RawPiece>& pieces);
  Status find(const std::vector<RawPiece>& pieces);
  void tell(RawPiece& piece);
  void tell_row(const RawRow& row, Roots& roots, ports::LogPiece& piece);
  void tell_root_row(const RawRow& row, Roots& roots, ports::LogPiece& piece);
  void tell_owned_row(const RawRow& row, Roots& roots, ports::LogPiece& piece);
  void tell_groups(const openmrs::TablePlan& plan, const Row* before, const Row* after, std::string_view key_before,
                   std::string_view key_after, ports::RootChange& change);
  std::optional<RootKey> owner_of(const RawRow& row, const Row& image, std::uint64_t& local_id) const;
  std::string author_of(const RawPiece& piece) const;

  Connection& connection_;
  const Compiled& compiled_;
  std::shared_ptr<const Aliases> aliases_;
  References references_;
};

}  // namespace omrsync::mysql
