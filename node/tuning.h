#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every batch size and delay of the engine, with its reason.
namespace omrsync::node::tuning {

using std::chrono::milliseconds;

/// While catching up, a store commit (an fsync) is shared by this much: the price of a crash is reading it again.
inline constexpr std::size_t kCapturePieces = 1000;
inline constexpr milliseconds kCaptureCommit{200};

/// Having caught up with somebody who writes, capture rests: what is written meanwhile shares a commit, and OpenMRS, on
/// the same machine, is not disturbed at every transaction.
inline constexpr milliseconds kCaptureRest{100};

/// How long capture waits on a silent log before it looks at its stop token: bounds the time to stop.
inline constexpr milliseconds kCapturePatience{250};

/// A dump is being loaded while the log is not silent for so long; OpenMRS may write meanwhile, so not for ever.
inline constexpr milliseconds kReloadQuiet{10'000};
inline constexpr milliseconds kReloadMost{10 * 60 * 1000};

/// How often the database is signed while it is written (D25): a copy younger than that is known by its log alone.
inline constexpr milliseconds kSignEvery{60 * 60 * 1000};

/// Marker rows that may pile up in OpenMRS's server before old ones are removed.
inline constexpr std::size_t kMarkersKept = 1000;

inline constexpr milliseconds kFirstBackoff{100};
/// A database that is away is tried at least this often: clinics start OpenMRS by hand and expect things to go on.
inline constexpr milliseconds kCaptureBackoff{5000};

/// Roots of one apply transaction under a live OpenMRS: short enough that nobody meets our locks (D7a).
inline constexpr std::size_t kApplyRoots = 200;
/// Sets put into one apply transaction; with a bad one among them each is tried alone.
inline constexpr std::size_t kApplySets = 100;
/// Roots whose states, as apply read them, wait in memory for capture to land them; others it reads anew.
inline constexpr std::size_t kHandedOverRoots = 2000;
inline constexpr milliseconds kApplyBusyFirst{10};
/// After a transaction of somebody else apply is polite for so long: it and capture take turns, and it rests so many
/// times as long as it worked. Less would show in the slowest hundredth of a clinician's transactions.
inline constexpr milliseconds kPoliteFor{2000};
inline constexpr int kPoliteRest = 10;
inline constexpr milliseconds kApplyBusyMost{2000};
inline constexpr unsigned kDecisionEvery = 16;  ///< while sets come in without end a decision gets a turn in so many
inline constexpr milliseconds kApplyIdle{250};
inline constexpr milliseconds kProgramIdle{1000};  ///< between looks whether a program is to be asked

/// Roots that stay because others refer to them are looked at again this often, so many at a time (D30): nobody waits
/// for it, and each look takes the root's locks for a moment.
inline constexpr milliseconds kPurgeRetry{60'000};
inline constexpr std::size_t kPurgeRetries = 20;

/// A batch is about five seconds of line (P-9): begun at this size, then adapted to the measured rate.
inline constexpr std::size_t kBatchBytesFirst = 256 * 1024;
inline constexpr std::size_t kBatchBytesLeast = 8 * 1024;
inline constexpr std::size_t kBatchBytesMost = 384 * 1024;  ///< several copies of it are in memory while it is sent
inline constexpr milliseconds kBatchLineTime{5000};

/// Batches that a stick carries stay this small: the line may have to carry them too, however bad it is.
inline constexpr std::size_t kStickBatchBytes = 64 * 1024;

/// Uncompressed bytes of one frame that a receiver takes (rules, section 9).
inline constexpr std::size_t kFrameBytesMost = 64 * 1024 * 1024;

/// Roots in one container of the first load: its entries are inserted by one transaction at the receiver.
inline constexpr std::size_t kLoadRoots = 200;
/// Roots that the first load reads at once: what they refer to is looked up together.
inline constexpr std::size_t kPageRoots = 400;
/// Roots that a node without a parent reads at once to meet them; they make one segment of the ledger.
inline constexpr std::size_t kMeetRoots = 1000;
/// Roots put into their place by one store transaction: others wait for it.
inline constexpr std::size_t kTidyRoots = 5000;
/// Sets in one batch, and about how many roots those that wait may have: one huge transaction is thousands of sets of
/// hundreds of roots. A batch ends at so many bytes before packing, however well they pack.
inline constexpr std::size_t kBatchSets = 1000;
inline constexpr std::size_t kBatchRoots = 2500;
inline constexpr std::size_t kBatchRawBytes = 8 * 1024 * 1024;

/// A snapshot that capture has not reached by then is dropped (D23).
inline constexpr milliseconds kSnapshotPatience{2000};
/// One snapshot serves several chunks of a comparison while younger than this: OpenMRS may want to change the table.
inline constexpr milliseconds kSnapshotAge{5000};

/// Outcomes told in one receipt.
inline constexpr std::size_t kOutcomesTold = 1000;

/// Back-off of the line, with full jitter (P-8).
inline constexpr milliseconds kLineBackoffFirst{1000};
inline constexpr milliseconds kLineBackoffMost{15 * 60 * 1000};

/// Somebody who waits for a round has the line tried again this soon, and gives up after so many tries.
inline constexpr milliseconds kHurriedRetry{250};
inline constexpr std::uint64_t kRoundTries = 4;

/// From here on two clocks differ so much that somebody should set one: data are taken all the same, but people who
/// read their dates are misled.
inline constexpr milliseconds kClockOff{5 * 60 * 1000};

/// A round ends with sets held only when their number has not changed for so long.
inline constexpr milliseconds kHeldPatience{2000};

/// How long a question to the parent waits there for news.
inline constexpr milliseconds kPullWait{20'000};

}  // namespace omrsync::node::tuning
