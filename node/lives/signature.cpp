#include "node/lives/signature.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace omrsync::node {
namespace {

/// Counts the signatures of one pair of database and store; chance tells two that were made apart.
struct Signature {
  std::uint64_t count = 0;
  std::string text;  ///< "<count> <16 hex digits>"
};

Signature parse(std::string text) {
  Signature signature;
  std::from_chars(text.data(), text.data() + text.size(), signature.count);
  signature.text = std::move(text);
  return signature;
}

std::string spell(std::uint64_t count, std::uint64_t chance) {
  std::array<char, 16> hex{};
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), chance, 16).ptr;
  return std::to_string(count) + " " + std::string(hex.data(), end);
}

constexpr const char* kSigned = "signature";        ///< meta: the last that surely is in the database
constexpr const char* kSigning = "signature_next";  ///< meta: one that may be

}  // namespace

Result<std::optional<LifeEnd>> compare_signatures(const World& world, const Status& open) {
  const std::optional<LifeEnd> none;
  OMRSYNC_TRY(text, world.openmrs.signature());
  OMRSYNC_TRY(tx, world.store.read());
  OMRSYNC_TRY(known, tx->get(tables::kMeta, kSigned));
  OMRSYNC_TRY(next, tx->get(tables::kMeta, kSigning));
  const bool foreign = !open && open.error().code == Code::capture_position_foreign;
  const bool ours = !known || text == *known || (next && text == *next);
  if (ours) return foreign ? std::optional(LifeEnd::database) : none;
  const bool newer = parse(text).count > parse(*known).count;
  return std::optional(newer && open ? LifeEnd::store : LifeEnd::database);
}

Status forget_signature(ports::StoreTransaction& tx) {
  OMRSYNC_CHECK(tx.erase(tables::kMeta, kSigned, ports::after(kSigned)));
  return tx.erase(tables::kMeta, kSigning, ports::after(kSigning));
}

Status sign_database(const World& world) {
  OMRSYNC_TRY(before, world.openmrs.signature());
  std::string next;
  {
    OMRSYNC_TRY(tx, world.store.write());
    OMRSYNC_TRY(known, tx->get(tables::kMeta, kSigned));
    const std::uint64_t count = std::max(parse(before).count, known ? parse(*known).count : 0) + 1;
    next = spell(count, world.entropy.next());
    OMRSYNC_CHECK(tx->put(tables::kMeta, kSigned, before));
    OMRSYNC_CHECK(tx->put(tables::kMeta, kSigning, next));
    OMRSYNC_CHECK(tx->commit());
  }
  OMRSYNC_CHECK(world.openmrs.sign(next));
  OMRSYNC_TRY(tx, world.store.write());
  OMRSYNC_CHECK(tx->put(tables::kMeta, kSigned, next));
  OMRSYNC_CHECK(tx->erase(tables::kMeta, kSigning, ports::after(kSigning)));
  return tx->commit();
}

}  // namespace omrsync::node
