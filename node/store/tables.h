#pragma once

#include <array>
#include <string>
#include <string_view>

#include "adapters/ports/store.h"
#include "protocol/root_bytes.h"
#include "protocol/state.h"

/// Every table of the node's store, and how its keys are made. Values are packed records (records.h) or bytes that
/// travel. Numbers in keys are eight bytes, most significant first.
namespace omrsync::node::tables {

using ports::TableName;

inline constexpr TableName kMeta{"meta"};                      ///< name -> one of the node's single facts
inline constexpr TableName kLedger{"ledger"};                  ///< root -> LedgerRow; empty: forgotten, as if never met
inline constexpr TableName kRuns{"ledger_runs"};               ///< root table -> which segments it has (segments.cpp)
inline constexpr TableName kSegments{"ledger_segments_blob"};  ///< table, run, first key -> a page of loaded roots
inline constexpr TableName kOutbox{"outbox"};           ///< offer number -> OfferedSet: local sets, not yet frozen
inline constexpr TableName kLink{"link"};               ///< link -> LinkRecord
inline constexpr TableName kFrozen{"frozen_blob"};      ///< link, first number -> encoded Batch, until acknowledged
inline constexpr TableName kSent{"sent"};               ///< link, number -> SentSet, until its outcome is known
inline constexpr TableName kInbox{"inbox"};             ///< link, number, part -> InboxItem
inline constexpr TableName kInboxBody{"inbox_blob"};    ///< link, number, part -> encoded Envelope
inline constexpr TableName kWaits{"waits"};             ///< missing root, inbox key -> nothing
inline constexpr TableName kBrings{"brings"};           ///< root in a held set, inbox key -> nothing
inline constexpr TableName kOutcomes{"outcomes"};       ///< link, outcome number -> Outcome for that child, until seen
inline constexpr TableName kLog{"log"};                 ///< log number -> LogRow (D29)
inline constexpr TableName kLogPlace{"log_place"};      ///< root -> its log number
inline constexpr TableName kConflicts{"conflicts"};     ///< conflict id -> ConflictRecord
inline constexpr TableName kConflictOf{"conflict_of"};  ///< root, group -> conflict id
inline constexpr TableName kAudit{"audit"};             ///< audit number -> hash, record
inline constexpr TableName kNodes{"nodes"};             ///< node uuid -> ChildRecord
inline constexpr TableName kEnrolments{"enrolments"};   ///< hash of a one-time code's secret -> EnrolRecord
inline constexpr TableName kUnlogged{"unlogged"};       ///< root table -> CaptureRecord: to be compared from there on
inline constexpr TableName kRepairs{"repairs"};      ///< root whose database row is not what is to be shown -> nothing
inline constexpr TableName kDecisions{"decisions"};  ///< conflict id -> DecisionRequest, until it is carried out
inline constexpr TableName kOrigins{"origins"};      ///< node uuid -> the link by which its writes were first heard of
inline constexpr TableName kSticks{"sticks"};        ///< link -> StickRecord

inline constexpr std::array<std::string_view, 25> kAll = {
    kMeta.name,       kLedger.name,  kOutbox.name,     kLink.name,     kFrozen.name,  kSent.name,     kInbox.name,
    kInboxBody.name,  kWaits.name,   kBrings.name,     kOutcomes.name, kLog.name,     kLogPlace.name, kConflicts.name,
    kConflictOf.name, kAudit.name,   kNodes.name,      kUnlogged.name, kRepairs.name, kRuns.name,     kSegments.name,
    kDecisions.name,  kOrigins.name, kEnrolments.name, kSticks.name};

using omrsync::root_bytes;
using omrsync::root_from;

/// A root and something behind it, so that everything about one root is a range.
[[nodiscard]] std::string root_and(const RootKey& root, std::string_view rest);
[[nodiscard]] std::string_view behind_root(std::string_view bytes);

[[nodiscard]] std::string number_key(std::uint64_t number);
[[nodiscard]] std::uint64_t number_from(std::string_view bytes);

}  // namespace omrsync::node::tables
