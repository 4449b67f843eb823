#pragma once

#include <attune/quorum/log/log_options.hpp>
#include <attune/quorum/log/log_refused.hpp>
#include <attune/quorum/raft/entry.hpp>
#include <attune/quorum/raft/write.hpp>
#include <attune/storage/disk.hpp>
#include <attune/version.hpp>

#include <memory>
#include <string>
#include <system_error>

namespace attune::inline ATTUNE_ABI::quorum {

/// The durable log of a member: term and vote, entries, snapshots. docs/quorum.md has the bytes.
///
/// Writes come in order and are durable after the next `flush`; before it, any of them may be lost
/// in a crash, the later ones first, where a vote and entries count apart. After a failure of
/// either nothing more is written, ever: what a failed flush has left on the disk cannot be known
/// (Rebello et al., Can Applications Recover from fsync Failures?, 2020). One thread at a time.
class Log {
public:
    /// What the log has goes to `recovered`. Cuts off a last batch whose write did not end; any
    /// other damage is LogRefused. Errors of the disk are std::system_error.
    ///
    /// An empty or missing directory is refused without `create`, and with it a directory with a
    /// log. One whose making did not end is made anew, or refused as missing.
    ATTUNE_DECL static std::unique_ptr<Log> open(std::shared_ptr<attune::detail::Disk> disk,
                                                 std::string directory, const LogOptions& options,
                                                 raft::Recovered& recovered);

    /// Makes the log of a member of a new cluster that begins with the state of another one, which
    /// is no more. All its members must be made with the same snapshot. The epoch of the state must
    /// have been raised, or tokens of the old cluster would be worth as much as new ones; see
    /// LockMachine. LogRefused where there is a log already; `create` is taken for granted.
    ATTUNE_DECL static void restore(std::shared_ptr<attune::detail::Disk> disk,
                                    std::string directory, const LogOptions& options,
                                    const raft::Snapshot& snapshot);

    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    virtual ~Log() = default;

    /// Entries may begin at or below the last one there is: that one and all after it go. A
    /// snapshot is durable, and the log dropped, when this returns. If the disk is too full for a
    /// snapshot that stands for entries of the log, it is left out: the entries say the same.
    virtual std::error_code put(const raft::Write& write) = 0;
    virtual std::error_code flush() = 0;
    /// Asked before entries are proposed or taken, so that a full disk is noticed before anything
    /// is written.
    virtual LogRoom room() const = 0;
    /// Looks whether a disk that was full is so still. To be called now and then while `room` is
    /// not plenty; writes up to a segment. A disk that is still full is no error.
    virtual std::error_code make_room() = 0;

protected:
    Log() = default;
};

}  // namespace attune::inline ATTUNE_ABI::quorum

#if ATTUNE_HEADER_ONLY
#include <attune/quorum/log/impl/log.ipp>
#endif
